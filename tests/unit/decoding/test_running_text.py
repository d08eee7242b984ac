import torch

from munjang.decoding.running_text import running_step, to_decoding, to_running
from munjang.models.decoder import StepOutput
from munjang.text.vocabulary import EOS, OOV

IDS = torch.arange(8)


def test_exchanged_twice_is_unchanged():
    assert torch.equal(to_running(to_decoding(IDS)), IDS)
    assert to_decoding(IDS).unique().numel() == len(IDS)


def test_a_network_reads_a_word_out_of_vocabulary_at_the_end_of_a_prompt():
    seen = []

    def step(state, ids):
        seen.append(ids.clone())
        return StepOutput(torch.zeros(*ids.shape, 8), state)

    running_step(step)(None, to_decoding(torch.tensor([[OOV], [EOS], [7]])))
    assert seen[0].flatten().tolist() == [OOV, EOS, 7]
