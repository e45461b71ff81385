"""Noise, seasons, weather and outlines: the pieces of a scene, each against an independent computation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from i2db.raster.grid import Window
from i2db.simulate.acquisition import block_mean
from i2db.simulate.atmosphere import (
    ALL_CLOUDS,
    ANY_CLOUD_OR_SHADOW,
    SHADOW_FROM_OUTSIDE,
    SHADOW_INSIDE,
    Swath,
    draw_skies,
    draw_veil,
    inside_swath,
)
from i2db.simulate.catalogue import BANDS, CATALOGUE, ROAD, Season
from i2db.simulate.layout import Extent, lay_out
from i2db.simulate.noise import smooth_noise
from i2db.simulate.parcels import draw_outlines
from i2db.simulate.phenology import Traits, cover_on, double_logistic

EXTENT = Extent(300_000, 4_902_560, 256, 256, 10)


@given(
    row=st.integers(0, 40),
    column=st.integers(0, 40),
    wavelength=st.floats(1.1, 80),
    key=st.integers(0, 2**40),
    octaves=st.integers(1, 4),
)
def test_noise_in_a_window_is_a_piece_of_the_whole(
    row: int, column: int, wavelength: float, key: int, octaves: int
) -> None:
    whole = smooth_noise(np.arange(60.0), np.arange(60.0), key=key, wavelength=wavelength, octaves=octaves)
    piece = smooth_noise(
        np.arange(row, row + 20.0), np.arange(column, column + 20.0), key=key, wavelength=wavelength, octaves=octaves
    )
    np.testing.assert_array_equal(piece, whole[row : row + 20, column : column + 20])


def test_noise_has_zero_mean_unit_deviation_and_depends_on_its_key() -> None:
    coordinates = np.arange(600.0)
    first = smooth_noise(coordinates, coordinates, key=1, wavelength=5.3, octaves=2)
    second = smooth_noise(coordinates, coordinates, key=2, wavelength=5.3, octaves=2)
    assert abs(float(first.mean())) < 0.03
    assert float(first.std()) == pytest.approx(1, abs=0.05)
    assert abs(float(np.corrcoef(first.ravel(), second.ravel())[0, 1])) < 0.03


def test_double_logistic_equals_its_formula_and_wraps_over_new_year() -> None:
    days = np.linspace(1, 365, 50)
    summer = Season(160, 9, 260, 10, 0.9)
    expected = 0.9 * (expit((days - 160) / 9) - expit((days - 260) / 10))
    np.testing.assert_allclose(
        double_logistic(summer, days), expected, atol=1e-4
    )  # the years before and after add a little
    winter = Season(-85, 12, 160, 7, 0.5)
    assert double_logistic(winter, np.array([340.0]))[0] > 0.45
    np.testing.assert_allclose(
        double_logistic(winter, np.array([0.0])), double_logistic(winter, np.array([365.0])), atol=1e-6
    )


def _ndvi(name: str, day: float) -> float:
    """NDVI of an average parcel of a class."""
    position = next(i for i, land in enumerate(CATALOGUE) if land.name == name)
    one = np.ones(1)
    traits = Traits(np.array([position]), 0 * one, one, one, np.full((1, 4), 0.99), one.astype(np.float32))
    cover = cover_on(day, CATALOGUE, traits)
    seen = cover.green * cover.green_spectrum[0] + (1 - cover.green) * cover.bare_spectrum[0]
    red, infrared = float(seen[BANDS.index("B4")]), float(seen[BANDS.index("B8")])
    return (infrared - red) / (infrared + red)


def test_classes_follow_the_calendar_of_the_south_west_of_france() -> None:
    assert _ndvi("maïs", 210) > 0.7
    assert _ndvi("maïs", 120) < 0.35
    assert _ndvi("cereales à pailles", 120) > 0.7
    assert _ndvi("cereales à pailles", 215) < 0.35
    assert _ndvi("forets de feuillus", 200) - _ndvi("forets de feuillus", 20) > 0.3
    assert abs(_ndvi("forets de coniferes", 200) - _ndvi("forets de coniferes", 20)) < 0.1
    assert _ndvi("eau", 200) < 0
    assert _ndvi("zones ind et com", 200) < 0.3


def test_catalogue_has_distinct_codes_names_and_colours_and_possible_spectra() -> None:
    assert len({land.code for land in CATALOGUE}) == len(CATALOGUE)
    assert len({land.name for land in CATALOGUE}) == len(CATALOGUE)
    assert len({land.color for land in CATALOGUE}) == len(CATALOGUE)
    assert all(0 < land.code <= 255 for land in CATALOGUE)
    spectra = np.array([[land.green, land.ground] for land in (*CATALOGUE, ROAD)])
    assert spectra.shape[-1] == len(BANDS)
    assert ((spectra > 0) & (spectra < 1)).all()


def test_block_mean_is_the_mean_of_each_block() -> None:
    fine = np.random.default_rng(0).random((8, 12), dtype=np.float32)
    np.testing.assert_allclose(block_mean(fine), fine.reshape(4, 2, 6, 2).mean(axis=(1, 3)), rtol=1e-6)


@given(lean=st.floats(-0.3, 0.3), at=st.floats(5, 50))
def test_swath_edges_never_split_a_coarse_pixel(lean: float, at: float) -> None:
    inside = inside_swath((Swath(1.0, lean, -at),), Window(4, 6, 40, 30))
    blocks = inside.reshape(15, 2, 20, 2)
    np.testing.assert_array_equal(blocks.any(axis=(1, 3)), blocks.all(axis=(1, 3)))


def test_clouds_cover_what_was_drawn_and_the_mask_misses_only_thin_edges() -> None:
    window = Window(0, 0, 256, 256)
    skies = draw_skies(EXTENT, 16, 256, seed=3)
    assert max(sky.cover for sky in skies) > 0.7
    assert sum(sky.cover == 0 for sky in skies) == 4
    assert sum(sky.swath is not None for sky in skies) == 3
    n_missed = 0
    for sky in skies:
        veil = draw_veil(sky, window, window)
        assert float((veil.opacity > 0).mean()) == pytest.approx(sky.cover, abs=0.02)
        detected = veil.mask > 0
        assert detected[veil.opacity > 0.95].mean() > 0.999 if (veil.opacity > 0.95).any() else True
        n_missed += int(((veil.opacity > 0.05) & ~detected).sum())
        assert ((veil.mask & ALL_CLOUDS > 0) <= (veil.mask & ANY_CLOUD_OR_SHADOW > 0)).all()
        assert not ((veil.mask & SHADOW_INSIDE > 0) & (veil.mask & SHADOW_FROM_OUTSIDE > 0)).any()
    assert 0 < n_missed < 0.02 * 16 * window.n_pixels


def test_shadows_are_the_clouds_moved_to_the_north_west() -> None:
    sky = next(sky for sky in draw_skies(EXTENT, 16, 256, seed=3) if 0.2 < sky.cover < 0.5)
    window = Window(64, 64, 128, 128)
    veil = draw_veil(sky, window, Window(0, 0, 256, 256))
    rows = np.arange(64, 192) - sky.shadow_rows
    columns = np.arange(64, 192) - sky.shadow_columns
    whole = draw_veil(sky, Window(0, 0, 320, 320), Window(0, 0, 320, 320)).opacity
    nearest = whole[np.rint(rows).astype(int)][:, np.rint(columns).astype(int)] * (1 - veil.opacity)
    assert sky.shadow_rows < 0
    assert sky.shadow_columns < 0
    assert float(np.corrcoef(nearest.ravel(), veil.shadow.ravel())[0, 1]) > 0.97


@given(n_tiles=st.integers(1, 36), half_size=st.integers(32, 600), resolution=st.sampled_from([5, 10, 20]))
def test_tiles_are_distinct_aligned_to_coarse_pixels_and_overlap_by_a_tenth(
    n_tiles: int, half_size: int, resolution: int
) -> None:
    size = 2 * half_size
    extent, tiles = lay_out(n_tiles, size, resolution)
    assert len({tile.name for tile in tiles}) == n_tiles
    for tile in tiles:
        assert tile.window.shape == (size, size)
        assert tile.window.column % 2 == 0
        assert tile.window.row % 2 == 0
        left, bottom, right, top = extent.bounds(tile.window)
        assert left % (2 * resolution) == 0
        assert top % (2 * resolution) == 0
        assert right <= extent.right
        assert bottom >= extent.bottom
    if n_tiles > 1:
        shared = tiles[0].window.intersection(tiles[1].window)
        assert shared is not None
        assert shared.n_columns == pytest.approx(0.1 * size, abs=1.01)


def test_the_layout_starts_like_a_map_of_zone_31() -> None:
    extent, tiles = lay_out(4, 200, 10)
    assert [tile.name for tile in tiles] == ["T31TCJ", "T31TDJ", "T31TCK", "T31TDK"]
    # 200 + 180 pixels each way; C is west of D, J is south of K.
    assert (extent.n_columns, extent.n_rows) == (380, 380)
    assert [(tile.window.column, tile.window.row) for tile in tiles] == [(0, 180), (180, 180), (0, 0), (180, 0)]


@pytest.mark.parametrize("seed", range(4))
def test_parcels_fill_the_extent_without_overlap(seed: int) -> None:
    import shapely

    outlines = draw_outlines(EXTENT, n_classes=6, has_town=bool(seed % 2), has_water=True, seed=seed)
    total = sum(parcel.area for parcel in outlines.parcels)
    assert total == pytest.approx(2560 * 2560)
    assert shapely.union_all(outlines.parcels).area == pytest.approx(total)
    assert all(parcel.is_valid for parcel in outlines.parcels)
    sides = np.sqrt([parcel.area for parcel in outlines.parcels])
    assert 60 < float(np.median(sides)) < 250
