"""Labwork 6.2: shares of the classes of a map in every parcel.

python examples/labwork_6_2.py CLASSIFICATION PARCELS TEMPORARY_FOLDER OUT.shp
"""

import sys

from i2db import zonal as zs

classification, zones, tmppath, out = sys.argv[1:]

list_rasters = [classification]
params = ["1:rate"]

zs.compute_zonal_stats(tmppath, list_rasters, zones, params, out)
