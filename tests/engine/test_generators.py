"""Seeds of a fit, and generators that are left as they were."""

import torch

from sklearn_ssl.engine.generators import derived_seeds, private_state


def test_seeds_differ_by_fit_and_by_training():
    seeds = [tuple(derived_seeds(seed, number)) for seed in (0, 1) for number in (0, 1)]
    assert len({s for triple in seeds for s in triple}) == 12
    assert tuple(derived_seeds(0)) == tuple(derived_seeds(0, 0, rank=0)) == seeds[0]
    seeds += [tuple(derived_seeds(0, 0, rank)) for rank in (1, 2)]
    assert len({s for triple in seeds for s in triple}) == 18


def test_the_global_generator_is_seeded_and_put_back():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    with private_state(torch.device("cpu"), 7):
        inside = torch.rand(3)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(inside, torch.rand(3, generator=torch.Generator().manual_seed(7)))
