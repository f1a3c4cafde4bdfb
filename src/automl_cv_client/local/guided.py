"""Guided back-propagation, and the same weighted by where the class is (guided Grad-CAM)."""

from __future__ import annotations

import numpy as np
from PIL import Image

from automl_cv_client.local.gradients import gradients, last_features
from automl_cv_client.local.sessions import FloatArray


def guided_backprop(one: FloatArray, target: int) -> FloatArray:
    """Attributions ``[3, 224, 224]``: edges and textures that raise the class (Springenberg et al. 2015)."""
    found: FloatArray = gradients(one, target, guided=True)[0]
    return found


def guided_gradcam(one: FloatArray, target: int) -> FloatArray:
    """Attributions ``[3, 224, 224]``: guided back-propagation times where the class is (Selvaraju et al. 2017)."""
    features = last_features(one, target)
    weights = features.gradient.mean(axis=(1, 2))
    where = np.maximum(np.tensordot(weights, features.activations, axes=1), 0).astype(np.float32)
    size = (one.shape[3], one.shape[2])
    enlarged: FloatArray = np.asarray(Image.fromarray(where).resize(size, Image.Resampling.BILINEAR))
    return np.asarray(guided_backprop(one, target) * enlarged)
