"""Labwork 6.1: add a constant to a raster and cut the result out with a vector file; nothing is written in between.

python examples/labwork_6_1.py RASTER CONSTANT VECTOR OUT.tif
"""

import sys

from i2db.apps import otb_app_bank as otb

raster_path, constant, shape_file, out_roi = sys.argv[1:]

band_math = otb.CreateBandMathApplication({
    "il": [raster_path],
    "exp": "im1b1 + %s" % (constant)
})
band_math.Execute()
roi = otb.CreateExtractROIApplication({
    "in": band_math,
    "out": out_roi,
    "mode": "fit",
    "mode.fit.vect": shape_file
})
roi.ExecuteAndWriteOutput()
