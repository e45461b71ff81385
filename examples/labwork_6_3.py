"""Labwork 6.3: ten pixels per class with the features of a whole series, and a figure of their NDVI.

The script is the labwork's. Other than there are the import lines, the two paths, which come from the command line, and
what newer versions of pandas ask for: `infer_datetime_format` is gone.

python examples/labwork_6_3.py CONFIGURATION FIGURE_FOLDER
"""

import os
import sys

from i2db.apps.sensors import sentinel_2
from i2db.apps import read_config_file as rcf
from i2db.apps.otb_app_bank import CreateExtractROIApplication

configuration_file = sys.argv[1]
config_i2_object = rcf.read_config_file(configuration_file)

tiles_to_compute = config_i2_object.getParam("chain", "list_tile")
i2_parameters = rcf.iota2_parameters(configuration_file)
first_tile = tiles_to_compute.split(" ")[0]
i2_sensors_parameters = i2_parameters.get_sensors_parameters(first_tile)
available_sensors_keys = list(i2_sensors_parameters.keys())
s2_instance = sentinel_2(**i2_sensors_parameters[available_sensors_keys[0]])

print(i2_sensors_parameters.keys())

(full_feat_stack, _), features_names = s2_instance.get_features(ram=1024)
full_feat_stack.Execute()

print(f"feature's name are : {features_names}")

database = config_i2_object.getParam("chain", "ground_truth")
labels_field = config_i2_object.getParam("chain", "data_field")
statistics_file = os.path.join(
    config_i2_object.getParam("chain", "output_path"), "stats.xml"
)
samples_selection_file = os.path.join(
    config_i2_object.getParam("chain", "output_path"), "samples_selection.sqlite"
)
db_with_features_file = os.path.join(
    config_i2_object.getParam("chain", "output_path"), "samples_with_features.sqlite"
)

from i2db.apps.otb_app_bank import (
    CreateSampleSelectionApplication,
    CreatePolygonClassStatisticsApplication,
    CreateSampleExtractionApplication
)

# some statistics are needed to perfom sampling strategy
stats_app = CreatePolygonClassStatisticsApplication(
    {
        "in": full_feat_stack,
        "vec": database,
        "out": statistics_file,
        "field": labels_field,
    }
)
stats_app.ExecuteAndWriteOutput()
sampling_app = CreateSampleSelectionApplication(
    {
        "in": full_feat_stack,
        "out": samples_selection_file,
        "vec": database,
        "instats": statistics_file,
        "strategy": "constant",
        "strategy.constant.nb": 10,
        "field": labels_field,
    }
)
sampling_app.ExecuteAndWriteOutput()
features_extraction_app = CreateSampleExtractionApplication(
    {
        "in": full_feat_stack,
        "vec": samples_selection_file,
        "field": labels_field,
        "out": db_with_features_file,
        "outfield": "list",
        "outfield.list.names": features_names,
        "ram": 4096,
    }
)
# the next line could be quite long
features_extraction_app.ExecuteAndWriteOutput()

import sqlite3
import pandas as pd
import geopandas as gpd
import matplotlib.pyplot as plt

# Load the sqlite into a geodataframe
conn = sqlite3.connect(db_with_features_file)
gdf = gpd.read_postgis("SELECT * from output", conn, geom_col="GEOMETRY")
# We get the NDVI features
ndvi_columns = [col_ for col_ in gdf.columns if "ndvi" in col_]
dates = [
    pd.to_datetime(date_.split("_")[2])
    for date_ in ndvi_columns
]
# Here we hardcoded the class to label converter: it is extracted from nomenclature.txt
label_converter = {
    1: "batis denses",
    2: "batis diffus",
    3: "zones ind et com",
    4: "surfaces routes",
    5: "colza",
    6: "cereales à pailles",
    7: "protéagineux",
    8: "soja",
    9: "tournesol",
    10: "maïs",
    11: "riz",
    12: "tubercules/racines",
    13: "prairies",
    14: "vergers",
    15: "vignes",
    16: "forêts de feuillus",
    17: "forêts de coniferes",
    18: "pelouses",
    19: "landes ligneuses",
    20: "surfaces minérales",
    21: "plages et dunes",
    22: "glaciers ou neiges",
    23: "eau",
    24: "autres",
}
# Get the profile for pixels of each class
for label in label_converter.keys():
    # Get pixels for the considered class
    gdf_ = gdf[gdf["code"] == label][ndvi_columns]
    # Not all the define class are present in this toy exemple
    # We do not plot empty value
    if gdf_.size > 0:
        fig, ax = plt.subplots(figsize=(10, 5))
        # Within iota2 feature are stored in int16 to save memory space
        # Before casting, the pixel value is multiply by 10000 for the spectral bands
        # and by 1000 for the spectral indice.
        ax.plot(dates, gdf_.values.T/1000)
        ax.set_title(f"Class {label_converter[label]}")
        ax.set_ylim([-0.5, 1])
        fig.savefig(os.path.join(sys.argv[2], f"ndvi_{label}.png"))
