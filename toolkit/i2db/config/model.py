"""The configuration: a section is a model, a key is a field with its type, range, default and meaning.

Names are iota2's of 2021 and later. What iota2 has and i2db has not is in `foreign`, other spellings are in `spelling`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, Field

from i2db.config.classification import ArgClassification
from i2db.config.fields import (
    STEP_GROUPS,
    Bytes,
    Codes,
    ConfigSection,
    FilePath,
    Functions,
    Names,
    Origin,
    ProjectionCode,
    Resolution,
    Text,
    Walltime,
)
from i2db.config.learning import DimRed, ScikitModels
from i2db.config.otb import in_scikit
from i2db.config.sensors import OwnSensors, SensorSection, section_field, section_model
from i2db.config.table import SampleTable
from i2db.config.train import ArgTrain, SampleSelection, Selection
from i2db.learn.catalogue import ALIASES, CHAINS_OWN
from i2db.learn.specification import ClassifierSpec

__all__ = [
    "STEP_GROUPS",
    "ArgClassification",
    "ArgTrain",
    "Builders",
    "Chain",
    "Chunking",
    "Config",
    "DimRed",
    "Execution",
    "ExternalFeatures",
    "FeatureExtraction",
    "Interpolation",
    "PythonDataManaging",
    "SampleSelection",
    "SampleTable",
    "ScikitModels",
    "Selection",
    "SensorSection",
    "UserFeat",
]

StepGroup = Literal["init", "sampling", "learning", "classification", "mosaic", "validation", "writing"]


class Chain(ConfigSection):
    """Inputs, output and extent of the work."""

    output_path: FilePath = Field(description="Folder of the results; it is made where it does not exist.")
    list_tile: Annotated[tuple[Text, ...], Names] = Field(
        default=(), min_length=1, description="Tiles to work on, e.g. 'T31TCJ T31TDJ', in any order."
    )
    s2_path: FilePath | None = Field(
        default=None, description="Folder of Sentinel-2 products (Theia L2A), with one folder per tile."
    )
    s2_s2c_path: FilePath | None = Field(
        default=None, description="Folder of Sentinel-2 products (Sen2Cor, .SAFE), with one folder per tile."
    )
    s2_l3a_path: FilePath | None = Field(
        default=None, description="Folder of Sentinel-2 monthly syntheses (Theia L3A), with one folder per tile."
    )
    l8_path: FilePath | None = Field(
        default=None, description="Folder of Landsat 8 products (Theia L2A), with one folder per tile."
    )
    l8_path_old: FilePath | None = Field(
        default=None, description="Folder of Landsat 8 products in Theia's old layout (N2A), with one folder per tile."
    )
    l5_path: FilePath | None = Field(
        default=None, description="Folder of Landsat 5 products (Theia L2A), with one folder per tile."
    )
    l5_path_old: FilePath | None = Field(
        default=None, description="Folder of Landsat 5 products in Theia's old layout (N2A), with one folder per tile."
    )
    sensors: OwnSensors = Field(
        default=(),
        description="Sensors of your own: a list of mappings with declaration (a TOML file), path, and the keys of a "
        "sensor's section.",
    )
    user_feat_path: FilePath | None = Field(
        default=None,
        description="Folder of the user's rasters (elevation, soils, climate), with one folder per tile; section "
        "user_feat says which files.",
    )
    ground_truth: FilePath | None = Field(
        default=None,
        description="File of labelled polygons or points: Shapefile, GeoPackage, GeoJSON, GeoParquet; CSV for points. "
        "Only the builder i2_features_map does without. "
        "With section sample_table a table of labelled series, Parquet or CSV.",
    )
    ground_truth_proj: ProjectionCode | None = Field(
        default=None,
        description="Projection of the coordinates in a CSV file of points; not set: longitude and latitude.",
    )
    data_field: Text | None = Field(
        default=None,
        description="Field of the ground truth that holds the label. Only i2_features_map does without.",
    )
    nomenclature_path: FilePath | None = Field(
        default=None,
        description="File of class names and codes, one `name:code` per line. Only i2_features_map does without.",
    )
    color_table: FilePath | None = Field(
        default=None,
        description="File of class colours, one `code red green blue` per line; not set: a palette is made.",
    )
    label_recode: FilePath | None = Field(
        default=None,
        description="CSV file of text label and class code, where the labels of the ground truth are texts.",
    )
    polygon_id_field: Text | None = Field(
        default=None,
        description="Field of the ground truth that identifies a polygon; not set: the file's own feature id.",
    )
    excluded_classes: Codes = Field(default=(), description="Class codes of the ground truth that are left out.")
    region_path: FilePath | None = Field(
        default=None, description="File of regions, each of which gets its own model; not set: one region over all."
    )
    region_field: Text = Field(default="region", description="Field of the region file that holds the region's name.")
    proj: ProjectionCode | None = Field(
        default=None,
        description="Projection of the map: 'EPSG:2154', a PROJ string, WKT, or a file (.prj) of one; not set: the "
        "products' own, where they agree.",
    )
    spatial_resolution: Resolution = Field(
        default=None, description="Pixel size [x, y] in units of the projection; not set: that of the finest band."
    )
    grid_origin: Origin = Field(
        default=(0.0, 0.0),
        description="A corner [x, y] of pixels in units of the projection, for images whose pixels do not begin at "
        "multiples of their size; not set: the projection's origin.",
    )
    mode_outside_regionsplit: float = Field(
        default=0.1,
        gt=0,
        description="Area of polygons in square kilometres that one model learns from, for classif_mode fusion: a "
        "region with more is dealt out to several models.",
    )
    cloud_threshold: int = Field(
        default=0,
        ge=0,
        description="Clear dates that a pixel needs to be a sample (iota2's manual says 1 by default, its code 0).",
    )
    window: int | None = Field(
        default=None,
        ge=1,
        description="Side in pixels of the one square to work on, where most classes are; not set: whole tiles.",
    )
    report_title: Text | None = Field(default=None, description="Title of report.html; not set: 'Land-cover map'.")
    first_step: StepGroup = Field(default="init", description="Group of steps to begin with.")
    last_step: StepGroup = Field(
        default="validation",
        description="Group of steps to end with; i2_features_map, which validates nothing, ends with writing.",
    )

    @property
    def has_ground_truth(self) -> bool:
        """Whether there is ground truth to learn from."""
        return None not in (self.ground_truth, self.data_field, self.nomenclature_path)

    @property
    def labelled_file(self) -> Path:
        """The ground truth, where there is one."""
        assert self.ground_truth is not None
        return self.ground_truth

    @property
    def label_field(self) -> str:
        """The field of the labels, where there is ground truth."""
        assert self.data_field is not None
        return self.data_field

    @property
    def nomenclature_file(self) -> Path:
        """The nomenclature, where there is ground truth."""
        assert self.nomenclature_path is not None
        return self.nomenclature_path


class Interpolation(ConfigSection):
    """How time series are brought to regular dates."""

    auto_date: bool = Field(
        default=True,
        description="Whether the regular dates span what the products cover, instead of start_date to end_date.",
    )
    use_gapfilling: bool = Field(
        default=True,
        description="Whether masked dates are interpolated to regular dates; False: dates stay as acquired.",
    )
    fill_missing_dates: bool = Field(
        default=False,
        description="Whether raw dates (use_gapfilling False, raw arrays of external functions) are those of all tiles "
        "together; a tile that lacks one has no data on it. Without it the tiles must have the same dates.",
    )
    use_additional_features: bool = Field(
        default=False, description="Whether the additional_features of the sensors are computed."
    )


class FeatureExtraction(ConfigSection):
    """Which bands and indices become features."""

    copyinput: bool = Field(default=True, description="Whether bands are features, beside indices.")
    relrefl: bool = Field(
        default=False, description="Whether bands are given relative to the red one: (b - red) / (b + red)."
    )
    keepduplicates: bool = Field(default=True, description="Whether NDVI is kept where relrefl gives the same numbers.")
    extract_bands: bool = Field(default=False, description="Whether only the keep_bands of the sensors are used.")


if TYPE_CHECKING:
    Landsat5: TypeAlias = SensorSection
    Landsat5Old: TypeAlias = SensorSection
    Landsat8: TypeAlias = SensorSection
    Landsat8Old: TypeAlias = SensorSection
    Sentinel2: TypeAlias = SensorSection
    Sentinel2S2C: TypeAlias = SensorSection
    Sentinel2L3A: TypeAlias = SensorSection
else:
    # One model, with the bands of each sensor as its declaration in schemas/sensors has them.
    Landsat5 = section_model("Landsat5")
    Landsat5Old = section_model("Landsat5Old")
    Landsat8 = section_model("Landsat8")
    Landsat8Old = section_model("Landsat8Old")
    Sentinel2 = section_model("Sentinel2")
    Sentinel2S2C = section_model("Sentinel2S2C")
    Sentinel2L3A = section_model("Sentinel2L3A")


def _raster_files(given: Any) -> Any:
    """Paths per name: each a path or a list of them."""
    if not isinstance(given, dict):
        raise ValueError("must be a mapping of names and files, e.g. {'mnt': ['dem_a.tif', 'dem_b.tif']}")
    return {str(name): tuple(paths) if isinstance(paths, list | tuple) else (paths,) for name, paths in given.items()}


class UserFeat(ConfigSection):
    """Rasters of the user as features, aligned to the grid while they are read, whatever their projection."""

    arbo: Text = Field(
        default="/*", description="Where files lie below the folder of a tile in chain.user_feat_path: /* right in it."
    )
    patterns: Annotated[tuple[Text, ...], Names] = Field(
        default=(), description="Parts of file names, e.g. 'mnt pente aspect': each names one raster of every tile."
    )
    files: Annotated[
        dict[str, tuple[FilePath, ...]],
        BeforeValidator(_raster_files, json_schema_input_type=dict[str, str | list[str]]),
    ] = Field(
        default_factory=dict,
        description="Rasters that cover all tiles, by name: a file, or a list of files side by side, "
        "e.g. {'mnt': ['dem_a.tif', 'dem_b.tif']}.",
    )
    interpolators: dict[str, Literal["nearest", "bilinear", "cubic"]] = Field(
        default_factory=dict,
        description="How a raster is brought to the grid, by its name; nearest for codes; not set: cubic.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunking:
    """How a tile is cut: into `n_chunks` strips, or into blocks of `size` (columns, rows) pixels; one of the two."""

    n_chunks: int | None = None
    size: tuple[int, int] | None = None


class PythonDataManaging(ConfigSection):
    """How tiles are cut into chunks; where nothing is set, chunks are whole blocks of the files."""

    chunk_size_mode: Literal["split_number", "user_fixed"] | None = Field(
        default=None, description="Whether number_of_chunks or chunk_size_x and chunk_size_y say how a tile is cut."
    )
    number_of_chunks: int | None = Field(default=None, ge=1, description="Chunks of a tile, for mode split_number.")
    chunk_size_x: int | None = Field(
        default=None, ge=1, description="Columns of a chunk in pixels, for mode user_fixed."
    )
    chunk_size_y: int | None = Field(default=None, ge=1, description="Rows of a chunk in pixels, for mode user_fixed.")

    padding_size_x: int = Field(
        default=0,
        ge=0,
        description="Columns that external functions see beyond a window on each side, also from neighbouring tiles; "
        "a radius that a function declares itself counts where it is larger.",
    )
    padding_size_y: int = Field(default=0, ge=0, description="Rows that external functions see beyond a window.")
    data_mode_access: Literal["gapfilled", "raw", "both"] | None = Field(
        default=None,
        description="Which getters external functions may use; not set: all of them.",
    )

    @property
    def chunking(self) -> Chunking | None:
        """How the user wants tiles cut; None where it is left to i2db. iota2's 50 stand for what a mode lacks."""
        mode = self.chunk_size_mode
        if mode is None and self.number_of_chunks is None and self.chunk_size_x is None and self.chunk_size_y is None:
            return None
        if mode == "user_fixed" or (mode is None and self.number_of_chunks is None):
            return Chunking(size=(self.chunk_size_x or 50, self.chunk_size_y or 50))
        return Chunking(n_chunks=self.number_of_chunks or 50)


class ExternalFeatures(ConfigSection):
    """Functions of the user, or of those that come with i2db, whose numbers are features."""

    module: FilePath | None = Field(
        default=None,
        description="Python file with the functions; not set: only those that come with i2db (`i2db features`).",
    )
    functions: Functions = Field(
        default=(),
        description="Functions to call: names, or a list of names and [name, {argument: setting}].",
    )
    concat_mode: bool = Field(
        default=True, description="Whether bands and indices are features too, beside those of the functions."
    )
    external_features_flag: bool | None = Field(
        default=None, description="Whether the functions are used; not set: where there are any."
    )
    output_name: Text | None = Field(
        default=None, description="Name of the map in final/ (builder i2_features_map); not set: features_map.tif."
    )
    output_type: Literal["float32", "int16", "uint16", "uint8", "int32"] = Field(
        default="float32", description="Pixel type of the map (builder i2_features_map)."
    )
    output_scale: float = Field(
        default=1.0,
        gt=0,
        description="Factor for the numbers of the map before they take its pixel type (builder i2_features_map).",
    )
    no_data_value: float = Field(
        default=-10000.0,
        description="No data in the map (builder i2_features_map), and in raw arrays that functions get.",
    )

    @property
    def map_name(self) -> str:
        """Name of the map, without its ending."""
        return (self.output_name or "features_map").removesuffix(".tif")


#: The builders, under all their names.
BUILDERS = {
    "I2Classification": "i2_classification",
    "I2FeaturesMap": "i2_features_map",
}


def _builder_names(given: Any) -> Any:
    names = (given,) if isinstance(given, str) else given
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise ValueError('must be a list of names, e.g. ["i2_classification"]')
    return tuple(BUILDERS.get(name, name) for name in names)


class Builders(ConfigSection):
    """Which chain of steps is run."""

    builders_class_name: Annotated[
        tuple[Literal["i2_classification", "i2_features_map"], ...],
        BeforeValidator(_builder_names, json_schema_input_type=str | list[str]),
    ] = Field(default=("i2_classification",), min_length=1, max_length=1, description="Chains of steps to run.")

    @property
    def name(self) -> str:
        """The builder."""
        return self.builders_class_name[0]


class Execution(ConfigSection):
    """Where and with how much the work is done (i2db's own section; iota2 has options of its command for it)."""

    scheduler_type: Literal["debug", "localCluster", "cluster", "Slurm", "PBS"] | None = Field(
        default=None,
        description="debug: one task after the other; localCluster: several processes; cluster: a Dask scheduler that "
        "runs already; Slurm, PBS: jobs of a batch system; not set: as the tasks and cores suggest.",
    )
    scheduler_address: Text | None = Field(
        default=None, description="Address of a Dask scheduler, e.g. 'tcp://node1:8786', for scheduler_type cluster."
    )
    nb_parallel_tasks: int | None = Field(default=None, ge=1, description="Tasks at a time; not set: one per core.")
    memory: Bytes | None = Field(
        default=None, description="Memory for all tasks together, e.g. '2GB'; not set: a share of what is free."
    )
    memory_per_task: Bytes | None = Field(
        default=None, description="Memory for one task, e.g. '512MB'; OTB_MAX_RAM_HINT sets it where the file does not."
    )

    job_memory: Bytes | None = Field(
        default=None,
        description="Memory of a job of Slurm or PBS, e.g. '4GB', which is what it is where it is not set.",
    )
    job_walltime: Walltime | None = Field(
        default=None,
        description="Longest time of a job, HH:MM:SS (04:00:00 where it is not set); another follows it.",
    )
    job_queue: Text | None = Field(
        default=None, description="Queue or partition of the jobs; not set: the system's default."
    )
    job_account: Text | None = Field(
        default=None, description="Account (Slurm) or project (PBS) that the jobs are charged to."
    )
    job_directives: Annotated[tuple[Text, ...], Names] = Field(
        default=(), description="Further options for the head of the job script, e.g. ['--constraint=ssd']."
    )

    def total_memory(self, n_workers: int) -> int | None:
        """Bytes for that many tasks at a time: `memory`, but no more than `memory_per_task` each; None if unset."""
        limits = [self.memory, self.memory_per_task and self.memory_per_task * n_workers]
        return min((limit for limit in limits if limit is not None), default=None)


class Config(ConfigSection):
    """The whole configuration of a project."""

    chain: Chain = Field(description="Inputs, output and extent of the work.")
    arg_train: ArgTrain = Field(default=ArgTrain(), description="Split, samples, features and classifier.")
    arg_classification: ArgClassification = Field(
        default=ArgClassification(), description="What is made of the models."
    )
    sensors_data_interpolation: Interpolation = Field(
        default=Interpolation(), description="How time series are brought to regular dates."
    )
    iota2_feature_extraction: FeatureExtraction = Field(
        default=FeatureExtraction(), description="Which bands and indices become features."
    )
    landsat5: Landsat5 = section_field("Landsat5")
    landsat5_old: Landsat5Old = section_field("Landsat5Old")
    landsat8: Landsat8 = section_field("Landsat8")
    landsat8_old: Landsat8Old = section_field("Landsat8Old")
    sentinel_2: Sentinel2 = section_field("Sentinel2")
    sentinel_2_s2c: Sentinel2S2C = section_field("Sentinel2S2C")
    sentinel_2_l3a: Sentinel2L3A = section_field("Sentinel2L3A")
    user_feat: UserFeat = Field(default=UserFeat(), description="Rasters of the user as features.")
    scikit_models_parameters: ScikitModels = Field(
        default=ScikitModels(), description="A classifier of scikit-learn in the place of arg_train.classifier."
    )
    dim_red: DimRed = Field(default=DimRed(), description="Principal components in the place of the features.")
    sample_table: SampleTable = Field(
        default=SampleTable(), description="A table of labelled series as ground truth, with or without images to map."
    )
    python_data_managing: PythonDataManaging = Field(
        default=PythonDataManaging(), description="How tiles are cut into chunks."
    )
    external_features: ExternalFeatures = Field(
        default=ExternalFeatures(), description="Functions of the user whose numbers are features."
    )
    builders: Builders = Field(default=Builders(), description="Which chain of steps is run.")
    execution: Execution = Field(default=Execution(), description="Where and with how much the work is done.")

    @property
    def fuses_models(self) -> bool:
        """Whether a region may have several models, whose labels are fused."""
        return self.arg_train.late_fusion or self.arg_classification.classif_mode == "fusion"

    @property
    def classifier(self) -> ClassifierSpec:
        """The classifier in scikit-learn's terms, whichever section names it."""
        scikit = self.scikit_models_parameters
        if scikit.model_type is None:
            options = self.arg_train.otb_classifier_options
            model_type, parameters, is_standardized = in_scikit(self.arg_train.classifier, options)
            return ClassifierSpec(model_type=model_type, parameters=parameters, is_standardized=is_standardized)
        return ClassifierSpec(
            model_type=ALIASES.get(scikit.model_type, scikit.model_type),
            parameters={name: given for name, given in scikit.parameters.items() if name not in CHAINS_OWN},
            is_standardized=scikit.standardization,
            search=scikit.cross_validation_parameters,
            n_folds=scikit.cross_validation_folds,
            is_grouped=scikit.cross_validation_grouped,
        )
