"""Pure functions of training progress ``t`` in [0, 1]."""

import math

__all__ = [
    "constant",
    "cosine_7_16",
    "linear_decay",
    "linear_ramp",
    "lr_factor",
    "sigmoid_ramp",
    "warmed_ema_decay",
]


def constant(t):
    """Return 1 for every ``t``.

    Parameters
    ----------
    t : float in [0, 1]
        Progress; it does not matter.

    Returns
    -------
    float
        Always 1.

    Examples
    --------
    >>> from sklearn_ssl.schedules import constant
    >>> constant(0.3)
    1.0
    """
    return 1.0


def cosine_7_16(t):
    """FixMatch's learning rate factor, cos(7 pi t / 16).

    Parameters
    ----------
    t : float in [0, 1]
        Step divided by the number of steps.

    Returns
    -------
    float in [0.195, 1]
        It falls from 1 to cos(7 pi / 16) and never reaches 0.

    References
    ----------
    Sohn et al. 2020, arXiv 2001.07685, section 2.3.

    Examples
    --------
    >>> from sklearn_ssl.schedules import cosine_7_16
    >>> cosine_7_16(0.0), round(cosine_7_16(1.0), 4)
    (1.0, 0.1951)
    """
    return math.cos(7 * math.pi * t / 16)


def linear_decay(t):
    """Fall linearly from 1 to 0.

    Parameters
    ----------
    t : float in [0, 1]
        Step divided by the number of steps.

    Returns
    -------
    float in [0, 1]
        1 - t.

    Examples
    --------
    >>> from sklearn_ssl.schedules import linear_decay
    >>> linear_decay(0.25)
    0.75
    """
    return 1 - t


LR_SCHEDULES = {"cosine": cosine_7_16, "linear": linear_decay, "constant": constant}


def lr_factor(schedule):
    """Return the function that an estimator's ``lr_schedule`` stands for, tried out.

    Parameters
    ----------
    schedule : {"cosine", "linear", "constant"} or callable t -> factor
        The parameter.

    Returns
    -------
    callable t -> float
        What the learning rate is multiplied by.

    Raises
    ------
    ValueError
        If a callable fails at 0 or 0.5, or gives no number of at least 0.

    Examples
    --------
    >>> from math import exp
    >>> from sklearn_ssl.schedules import lr_factor
    >>> lr_factor("linear")(0.25), lr_factor(exp)(0.0)
    (0.75, 1.0)
    """
    if isinstance(schedule, str):
        return LR_SCHEDULES[schedule]
    for t in (0.0, 0.5):
        try:
            factor = float(schedule(t))
        except Exception as error:
            raise ValueError(f"lr_schedule fails at progress {t}: {error}") from error
        if not 0 <= factor < math.inf:
            raise ValueError(
                f"lr_schedule must return numbers of at least 0; at progress {t} it gives {factor}."
            )
    return schedule


def linear_ramp(t, length):
    """Rise linearly from 0 to 1 over the first ``length`` of training.

    Parameters
    ----------
    t : float in [0, 1]
        Step divided by the number of steps.
    length : float in [0, 1]
        The share of training that the ramp takes; 0 means no ramp.

    Returns
    -------
    float in [0, 1]
        It stays 1 after the ramp.

    Examples
    --------
    >>> from sklearn_ssl.schedules import linear_ramp
    >>> linear_ramp(0.1, 0.4), linear_ramp(0.9, 0.4), linear_ramp(0.0, 0.0)
    (0.25, 1.0, 1.0)
    """
    return min(1.0, t / length) if length > 0 else 1.0


def sigmoid_ramp(t, length):
    """Rise as exp(-5 (1 - t / length)^2) over the first ``length`` of training, then 1.

    Parameters
    ----------
    t : float in [0, 1]
        Step divided by the number of steps.
    length : float in [0, 1]
        0 means no ramp.

    Returns
    -------
    float in [0.0067, 1]
        It stays 1 after the ramp.

    References
    ----------
    Laine and Aila 2017, arXiv 1610.02242, section 2.1.

    Examples
    --------
    >>> from sklearn_ssl.schedules import sigmoid_ramp
    >>> round(sigmoid_ramp(0.0, 0.5), 4), round(sigmoid_ramp(0.25, 0.5), 4), sigmoid_ramp(0.7, 0.5)
    (0.0067, 0.2865, 1.0)
    """
    return math.exp(-5 * (1 - linear_ramp(t, length)) ** 2)


def warmed_ema_decay(step, decay):
    """Decay of the weight average at ``step``: min(decay, (1 + step) / (10 + step)).

    Early averages forget fast, so a short fit is not held back by its random start.

    Parameters
    ----------
    step : int >= 0
        Steps taken so far.
    decay : float in [0, 1)
        The decay that long fits reach.

    Returns
    -------
    float in [0.1, decay], or ``decay`` where that is below 0.1
        The weight of the average so far; the new weights have the rest.

    Examples
    --------
    >>> from sklearn_ssl.schedules import warmed_ema_decay
    >>> warmed_ema_decay(0, 0.999), warmed_ema_decay(10**6, 0.999)
    (0.1, 0.999)
    """
    return min(decay, (1 + step) / (10 + step))
