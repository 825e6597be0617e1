"""How a 3D sensor stands now, by its cloud of a thing of which there is a cloud from before. The home of open3d."""

from dataclasses import dataclass
from types import ModuleType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from wire.errors import ConfigurationError

# Of open3d's documentation on global registration, in voxels: normals see a surface, features what is around it.
_NORMAL_VOXELS: Final = 2.0
_FEATURE_VOXELS: Final = 5.0
_COARSE_VOXELS: Final = 1.5
# Below this the matching of features is chance; above 20 000 points they take longer than all the rest.
_FEWEST_POINTS: Final = 100
_MOST_POINTS: Final = 50_000


@dataclass(frozen=True, kw_only=True, eq=False)
class Registration:
    """``new_to_reference`` (4, 4): takes a point in mm from the new cloud to where it lies in the reference.

    ``fitness``: share of the thinned points of the new cloud that have a partner within one voxel; ``rmse_mm``: how far
    those partners are apart.
    """

    new_to_reference: NDArray[np.float64]
    fitness: float
    rmse_mm: float

    @property
    def shift_mm(self) -> tuple[float, float, float]:
        """The translation."""
        x, y, z = (float(value) for value in self.new_to_reference[:3, 3])
        return x, y, z

    @property
    def turn_deg(self) -> float:
        """The angle of the rotation about its own axis."""
        cosine = (np.trace(self.new_to_reference[:3, :3]) - 1) / 2
        return float(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))


def register(new_mm: NDArray[np.float32], reference_mm: NDArray[np.float32], *, voxel_mm: float) -> Registration:
    """Lay one cloud (N, 3) onto another, wherever both stand: by features first, then point to plane.

    Both are thinned to one point per voxel. ConfigurationError where open3d is not there, or a cloud too thin or too
    dense for ``voxel_mm``. The same clouds give the same result.
    """
    o3d = _open3d()
    o3d.utility.random.seed(0)
    new, reference = (
        _prepared(o3d, points, name, voxel_mm) for points, name in ((new_mm, "cloud"), (reference_mm, "reference"))
    )
    coarse = _coarse(o3d, new, reference, voxel_mm)
    method = o3d.pipelines.registration
    fine = method.registration_icp(
        new, reference, voxel_mm, coarse, method.TransformationEstimationPointToPlane(),
        method.ICPConvergenceCriteria(max_iteration=100),
    )  # fmt: skip
    return Registration(new_to_reference=np.array(fine.transformation), fitness=fine.fitness, rmse_mm=fine.inlier_rmse)


def _prepared(o3d: ModuleType, points: NDArray[np.float32], name: str, voxel_mm: float) -> Any:
    known = points[np.isfinite(points).all(axis=1)].astype(np.float64)
    cloud = o3d.geometry.PointCloud(o3d.utility.Vector3dVector(known)).voxel_down_sample(voxel_mm)
    count = len(cloud.points)
    if not _FEWEST_POINTS <= count <= _MOST_POINTS:
        change = "smaller" if count < _FEWEST_POINTS else "larger"
        raise ConfigurationError([
            f"{name}: {count} points remain with --voxel-mm {voxel_mm:g}; it takes {_FEWEST_POINTS} to {_MOST_POINTS}: "
            f"choose a {change} one"
        ])  # fmt: skip
    cloud.estimate_normals(o3d.geometry.KDTreeSearchParamHybrid(radius=_NORMAL_VOXELS * voxel_mm, max_nn=30))
    cloud.orient_normals_towards_camera_location()
    return cloud


def _coarse(o3d: ModuleType, new: Any, reference: Any, voxel_mm: float) -> Any:
    method = o3d.pipelines.registration
    around = o3d.geometry.KDTreeSearchParamHybrid(radius=_FEATURE_VOXELS * voxel_mm, max_nn=100)
    features = [method.compute_fpfh_feature(cloud, around) for cloud in (new, reference)]
    reach = _COARSE_VOXELS * voxel_mm
    found = method.registration_ransac_based_on_feature_matching(
        new, reference, *features, True, reach, method.TransformationEstimationPointToPoint(False), 3,
        [method.CorrespondenceCheckerBasedOnEdgeLength(0.9), method.CorrespondenceCheckerBasedOnDistance(reach)],
        method.RANSACConvergenceCriteria(100_000, 0.999),
    )  # fmt: skip
    return found.transformation


def _open3d() -> ModuleType:
    """Loaded when it is needed: 4 s and a web framework."""
    try:
        import open3d
    except (ImportError, OSError) as error:
        raise ConfigurationError([
            f"open3d cannot be loaded ({error}); it comes with the extra recipes, and needs Debian's libgl1, libgomp1 "
            "and libusb-1.0-0"
        ]) from error  # fmt: skip
    module: ModuleType = open3d
    return module
