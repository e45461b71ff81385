"""What all applications share: parameters by OTB's names, lazy execution, OTB's methods."""

from __future__ import annotations

import abc
import importlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from i2db.apps.image import MEGABYTE, FileImage, Image, write_image
from i2db.apps.parameter import PIXEL_TYPES, RAM, Parameter, check_given, check_keys
from i2db.errors import ConfigError
from i2db.files import check_writable

#: Memory in MB where nothing says another.
_DEFAULT_RAM = 256

#: Applications and the modules that hold them.
APPLICATIONS: Mapping[str, str] = {
    "BandMath": "pixelwise",
    "BandMathX": "vector_math",
    "ConcatenateImages": "pixelwise",
    "ExtractROI": "geometry",
    "Superimpose": "geometry",
    "PolygonClassStatistics": "sampling",
    "SampleSelection": "sampling",
    "SampleExtraction": "extraction",
    "Rasterization": "rasterization",
    "ComputeConfusionMatrix": "classification",
    "FusionOfClassifications": "classification",
    "ClassificationMapRegularization": "classification",
    "ZonalStatistics": "zonal_statistics",
    "DEM": "elevation",
}


class Application(abc.ABC):
    """An application: what it takes (a dict by OTB's parameter names), and when it works.

    Nothing is read when one is made; its parameters are checked by kind and name. `Execute` checks the inputs and, for
    an application whose result is no image, computes and writes it. An image is made when somebody reads it:
    another application that was given this one as input, `ExecuteAndWriteOutput` (window by window, to the file of
    its output parameter) or `GetVectorImageAsNumpyArray`.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    #: All parameters.
    parameters: ClassVar[tuple[Parameter, ...]]
    #: Key of the image output, or None.
    output: ClassVar[str | None] = "out"
    #: Pixel type of the written image where none is asked for; None: that of the input.
    pixel_type: ClassVar[str | None] = None
    #: What is as in OTB though one might expect otherwise, and what is not as in OTB: lists in Markdown.
    reproduced: ClassVar[str] = ""
    mended: ClassVar[str] = ""
    #: Keys of OTB's that are not needed here, and why.
    needless: ClassVar[Mapping[str, str]] = {}

    def __init__(self, parameters: Mapping[str, Any] | None = None) -> None:
        """An application with its parameters; a file, an image or another application may stand for an image.

        Raises:
            ConfigError: a parameter does not exist or is not of its kind.
        """
        self._given: dict[str, Any] = {}
        self._image: Image | None = None
        self._is_done = False
        #: What is worth telling: pixels left out, geometries in another projection.
        self.messages: list[str] = []
        self.SetParameters(parameters or {})

    # What a kind of application does

    def _make(self) -> Image:
        """The lazy image; inputs are looked at and errors found."""
        raise NotImplementedError

    def _compute(self) -> None:
        """Compute and write what is no image."""
        raise NotImplementedError

    # Parameters

    @classmethod
    def parameter(cls, key: str) -> Parameter:
        """The parameter of a key.

        Raises:
            ConfigError: there is none.
        """
        check_keys(cls.parameters, [key], cls.name, cls.needless)
        return next(parameter for parameter in cls.parameters if parameter.key == key)

    def value(self, key: str) -> Any:
        """What is given for a parameter, else its default."""
        given = self._given.get(key)
        return self.parameter(key).default if given is None else given

    def image_of(self, key: str) -> Image:
        """The image of an input parameter."""
        return self.images_of(key)[0]

    def images_of(self, key: str) -> list[Image]:
        """The images of an input parameter."""
        given = self.value(key)
        return [as_image(item, key) for item in (given if isinstance(given, list) else [given])]

    def label_of(self, key: str, place: int = 0) -> str:
        """How an error calls an input image."""
        given = self.value(key)
        item = given[place] if isinstance(given, list) else given
        return item.name if isinstance(item, Path) else f"-{key}" + (f" number {place + 1}" if place else "")

    @property
    def memory(self) -> int:
        """Bytes that the work may use.

        Raises:
            ConfigError: the number is not positive.
        """
        given = self.value("ram")
        if given is None:
            hint = os.environ.get("OTB_MAX_RAM_HINT", "").strip()
            given = int(hint) if hint.isascii() and hint.isdigit() else _DEFAULT_RAM
        if given < 1:
            raise ConfigError(f"-ram is {given}: it must be at least 1 MB")
        return int(given) * MEGABYTE

    @property
    def image(self) -> Image:
        """The lazy image output; it is wired on first use.

        Raises:
            ConfigError: the application has none.
        """
        if self.output is None:
            raise ConfigError(f"{self.name} makes no image that another application could read")
        if self._image is None:
            self._check()
            self._image = self._make()
        return self._image

    def _check(self) -> None:
        values = {parameter.key: self.value(parameter.key) for parameter in self.parameters}
        check_given(self.parameters, values, self.name)
        for parameter in self.parameters:
            if parameter.is_output and (path := values[parameter.key]) is not None:
                check_writable(path.parent)

    # OTB's methods

    def SetParameters(self, parameters: Mapping[str, Any]) -> None:
        """Set several parameters.

        Raises:
            ConfigError: one does not exist or is not of its kind.
        """
        check_keys(self.parameters, list(parameters), self.name, self.needless)
        for key, value in parameters.items():
            self.SetParameterValue(key, value)

    def SetParameterValue(self, key: str, value: Any) -> None:
        """Set a parameter; None takes back what was given."""
        if key == "pixType":
            if value is not None and value not in PIXEL_TYPES:
                raise ConfigError(f"there is no pixel type {value}", hint="there are " + ", ".join(PIXEL_TYPES))
            self._given[key] = value
        else:
            self._given[key] = None if value is None else self.parameter(key).converted(value)
        self._image, self._is_done = None, False

    SetParameterString = SetParameterInt = SetParameterFloat = SetParameterStringList = SetParameterValue
    SetParameterInputImage = SetParameterValue

    def SetParameterOutputImagePixelType(self, key: str, pixel_type: str) -> None:
        """Set the pixel type of the written image, by its name."""
        if key != self.output:
            raise ConfigError(f"{self.name} has no image output -{key}")
        self.SetParameterValue("pixType", pixel_type)

    def AddImageToParameterInputImageList(self, key: str, image: Any) -> None:
        """Add an image to a list of input images."""
        self.SetParameterValue(key, [*(self.value(key) or []), image])

    def ConnectImage(self, key: str, other: Application, output: str) -> None:
        """Read another application's output; nothing is written between the two."""
        image = other.GetParameterOutputImage(output)
        if self.parameter(key).is_list:
            self.AddImageToParameterInputImageList(key, image)
        else:
            self.SetParameterValue(key, image)

    def GetParametersKeys(self) -> list[str]:
        """The keys of all parameters."""
        return [parameter.key for parameter in self.parameters]

    def HasValue(self, key: str) -> bool:
        """Whether a parameter has a value, given or by default."""
        return self.value(key) is not None

    def GetParameterValue(self, key: str) -> Any:
        """The value of a parameter."""
        return self.value(key)

    def GetParameterString(self, key: str) -> str:
        """The value of a parameter as a text; empty where it has none, or is an image in memory."""
        value = self.value(key)
        if isinstance(value, list):
            return " ".join(_text(item) for item in value)
        return _text(value)

    def GetParameterStringList(self, key: str) -> list[str]:
        """The values of a parameter as texts."""
        value = self.value(key)
        return [_text(item) for item in (value if isinstance(value, list) else [value])]

    def GetParameterInt(self, key: str) -> int:
        """The value of a parameter as a whole number."""
        return int(self.value(key))

    def GetParameterFloat(self, key: str) -> float:
        """The value of a parameter as a number."""
        return float(self.value(key))

    def GetParameterOutputImage(self, key: str) -> Image:
        """The lazy image of an output parameter."""
        if key != self.output:
            raise ConfigError(f"{self.name} has no image output -{key}")
        return self.image

    def GetVectorImageAsNumpyArray(self, key: str) -> NDArray[Any]:
        """The image output as an array (rows, columns, bands) in memory, with the pixel type that is asked for."""
        image = self.GetParameterOutputImage(key)
        bands = np.empty((image.n_bands, *image.window.shape), dtype=self._pixel_type() or image.dtype)
        from i2db.apps.image import cast

        try:
            for window in image.windows(self.memory):
                place = (slice(None), *window.slices_in(image.window))
                bands[place] = cast(image.read(window), bands.dtype, image.nodata)
        finally:
            image.close()
        return np.ascontiguousarray(np.moveaxis(bands, 0, 2))

    def GetImageAsNumpyArray(self, key: str) -> NDArray[Any]:
        """The first band of the image output as an array (rows, columns)."""
        return self.GetVectorImageAsNumpyArray(key)[..., 0]

    def Execute(self) -> int:
        """Check the inputs; compute and write what is no image. 0, as in OTB: errors are exceptions.

        Raises:
            ConfigError: parameters are missing or contradict each other.
            InputError: a file is missing or not what it should be.
        """
        if self.output is not None:
            _ = self.image
        elif not self._is_done:
            self._check()
            self._compute()
            self._is_done = True
        return 0

    def ExecuteAndWriteOutput(self) -> int:
        """Execute, and write the image output to its file, window by window.

        Raises:
            ConfigError: no file is given for it.
            InputError: the file is one of those that are read.
        """
        if self.output is not None:
            path = self.value(self.output)
            if path is None:
                raise ConfigError(f"{self.name} needs -{self.output}, the file to write")
            refuse_input(path, self.inputs())
            write_image(self.image, path, dtype=self._pixel_type(), memory=self.memory)
            return 0
        return self.Execute()

    def inputs(self) -> list[Path]:
        """The files that it reads, those of the applications it is made of among them."""
        found: list[Path] = []
        for parameter in self.parameters:
            value = self.value(parameter.key) if parameter.is_input else None
            for item in value if isinstance(value, list) else [value]:
                if isinstance(item, Path):
                    found.append(item)
                elif isinstance(item, Application):
                    found += item.inputs()
                elif isinstance(item, Image):
                    found += _files(item)
        return found

    def _pixel_type(self) -> str | None:
        """Numpy's name of the pixel type to write."""
        name = self._given.get("pixType") or self.pixel_type
        return PIXEL_TYPES[name] if name else None


def _text(value: Any) -> str:
    return "" if value is None or isinstance(value, Application | Image) else str(value)


def _files(image: Image) -> list[Path]:
    own = [image.path] if isinstance(image, FileImage) else []
    return own + [path for source in image.sources for path in _files(source)]


def as_image(value: Any, key: str) -> Image:
    """The image that a path, an application or an image stands for.

    Raises:
        ConfigError: it is none of these.
    """
    if isinstance(value, Image):
        return value
    if isinstance(value, Application):
        return value.image
    if isinstance(value, Path):
        return FileImage(value)
    raise ConfigError(
        f"-{key} takes a file, an application or an image, not {type(value).__name__}",
        hint="ArrayImage(array, crs=..., transform=...) makes an image of an array",
    )


def refuse_input(path: Path, inputs: Sequence[Path]) -> None:
    """A ConfigError where a file that is read would be written."""
    for other in inputs:
        if path.exists() and other.exists() and path.samefile(other):
            raise ConfigError(f"{path} is read and would be overwritten", hint="name another output file")


def find_application(name: str) -> type[Application]:
    """The class of an application.

    Raises:
        ConfigError: there is none of this name; the message has the nearest.
    """
    import difflib

    module = APPLICATIONS.get(name)
    if module is None:
        near = difflib.get_close_matches(name.lower(), [known.lower() for known in APPLICATIONS], n=1)
        meant = next((known for known in APPLICATIONS if near and known.lower() == near[0]), None)
        hint = f"did you mean {meant}?" if meant else "`i2db app` lists them"
        raise ConfigError(f"there is no application {name}", hint=hint)
    found: type[Application] = getattr(importlib.import_module(f"i2db.apps.{module}"), name)
    return found


def create(name: str, parameters: Mapping[str, Any] | None = None) -> Application:
    """An application by its name."""
    return find_application(name)(parameters)


__all__ = ["APPLICATIONS", "RAM", "Application", "as_image", "create", "find_application", "refuse_input"]
