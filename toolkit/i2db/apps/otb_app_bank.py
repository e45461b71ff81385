"""iota2's creators: `CreateBandMathApplication({"il": [...], "exp": ..., "out": ...})` and its like.

In a script for iota2, `from iota2.common import otb_app_bank` becomes `from i2db.apps import otb_app_bank`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from i2db.apps.application import Application, create

_Creator = Callable[[Mapping[str, Any]], Application]


def _creator(name: str) -> _Creator:
    def creator(parameters: Mapping[str, Any]) -> Application:
        return create(name, parameters)

    creator.__name__ = creator.__qualname__ = f"Create{name}Application"
    creator.__doc__ = f"Application {name} with its parameters, a dict by OTB's names."
    return creator


CreateBandMathApplication = _creator("BandMath")
CreateBandMathXApplication = _creator("BandMathX")
CreateConcatenateImagesApplication = _creator("ConcatenateImages")
CreateExtractROIApplication = _creator("ExtractROI")
CreateSuperimposeApplication = _creator("Superimpose")
CreatePolygonClassStatisticsApplication = _creator("PolygonClassStatistics")
CreateSampleSelectionApplication = _creator("SampleSelection")
CreateSampleExtractionApplication = _creator("SampleExtraction")
CreateRasterizationApplication = _creator("Rasterization")
CreateComputeConfusionMatrixApplication = _creator("ComputeConfusionMatrix")
CreateFusionOfClassificationsApplication = _creator("FusionOfClassifications")
CreateClassificationMapRegularizationApplication = _creator("ClassificationMapRegularization")
CreateZonalStatisticsApplication = _creator("ZonalStatistics")
CreateDEMApplication = _creator("DEM")
