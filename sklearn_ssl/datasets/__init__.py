"""Readers of images: standard data sets, folders and files, from a place that the user names."""

from .arrays import load_cifar10, load_mnist
from .images import ImageFiles, ImageFolder

__all__ = ["ImageFiles", "ImageFolder", "load_cifar10", "load_mnist"]
