import torch

from models.ground.context import Context, ContextSettings
from models.ground.decoder import gather
from tests.unit.models.test_decoder import comparison, seen
from tests.unit.models.tiny_networks import tiny_networks

SETTINGS = ContextSettings(width=8, blocks=2, heads=2, grid=4)


def learned(seed: int = 0) -> Context:
    torch.manual_seed(seed)
    context = Context(SETTINGS, planes=3, outputs=5)
    torch.nn.init.normal_(context.leave.weight)
    return context.eval()


def test_a_context_that_has_learned_nothing_says_nothing():
    assert not bool(Context(SETTINGS, planes=3, outputs=5)(torch.rand(2, 3, 6, 4)).any())


def test_a_decoder_with_an_unlearned_context_draws_as_one_without():
    _, decoder = tiny_networks()
    evidence = gather(seen(), [None])
    with torch.inference_mode():
        with_context = decoder(evidence)
        decoder.context = None
        assert torch.equal(with_context, decoder(evidence))


def test_every_place_sees_what_happens_at_the_far_end_of_the_part():
    planes = torch.rand(1, 3, 4, 4)
    changed = planes.clone()
    changed[0, :, 3, 3] += 2.0
    with torch.inference_mode():
        difference = (learned()(planes) - learned()(changed)).abs().amax(dim=1)[0]
    assert float(difference[0, 0]) > 1e-4


def test_a_part_of_any_size_gets_an_answer_for_each_of_its_places():
    with torch.inference_mode():
        assert learned()(torch.rand(2, 3, 9, 30)).shape == (2, 5, 9, 30)
        assert learned()(torch.rand(1, 3, 2, 2)).shape == (1, 5, 2, 2)


def test_each_image_of_a_batch_is_a_part_of_its_own():
    planes = torch.rand(3, 3, 4, 6)
    with torch.inference_mode():
        assert torch.allclose(learned()(planes)[1], learned()(planes[1:2])[0], atol=1e-5)


def test_without_a_memory_the_context_counts_for_less():
    _, decoder = tiny_networks()
    torch.nn.init.normal_(decoder.context.leave.weight)
    features = seen()

    def change(known: bool) -> float:
        evidence = gather(features, [comparison(features, 2.0) if known else None])
        with torch.inference_mode():
            return float((decoder(evidence) - decoder(evidence, lone_context=0.0)).abs().max())

    assert change(known=True) == 0.0  # with a memory it always counts in full
    assert change(known=False) > 0.0
