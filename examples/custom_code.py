"""Functions of section 5 of iota2's labwork: an index of several bands, one with weights, one that looks around."""

import numpy as np
from scipy.ndimage import laplace


def get_bright_soil(self):
    """Brightness of the visible bands, 0 where vegetation covers the soil, per date."""
    visible = sum(getattr(self, f"get_interpolated_Sentinel2_{band}")() for band in ("B2", "B3", "B4")) / 3
    bare = self.get_interpolated_Sentinel2_NDVI() < 300
    labels = [f"bright_soil_{date}" for date in self.interpolated_dates["Sentinel2"]]
    return np.where(bare, visible, 0), labels


def get_weighted(self, weights=(1, 1, 1, 1)):
    """Weighted mean of bands 2, 3, 4 and 8, per date."""
    bands = [getattr(self, f"get_interpolated_Sentinel2_{band}")() for band in ("B2", "B3", "B4", "B8")]
    mean = sum(weight * band for weight, band in zip(weights, bands, strict=True)) / sum(weights)
    return mean, [f"weighted_{i + 1}" for i in range(mean.shape[2])]


def laplace_ndvi(self):
    """laplacian filter over date-averaged ndvi"""
    # gets ndvi of the chunk for all dates (x,y,t)
    ndvi = self.get_interpolated_Sentinel2_NDVI()
    # average over dates
    mean_ndvi = np.mean(ndvi, axis=2)
    # apply laplace filter
    filtered = laplace(mean_ndvi, mode="constant")
    return (filtered, ["laplace_ndvi"])
