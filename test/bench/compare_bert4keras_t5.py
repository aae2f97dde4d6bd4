#! -*- coding: utf-8 -*-
"""The reference's side of compare-bert4keras-t5.ts: the same texts on bert4keras' own model and search.

    python compare_bert4keras_t5.py FOLDER      (Python 3.7, TensorFlow 1.15, Keras 2.3.1, bert4keras 0.11.5)

FOLDER holds bert_model.ckpt.*, bert_config.json and titles.json; reference.json is written beside them. The decoder is that
of https://github.com/ZhuiyiTechnology/t5-pegasus/blob/main/finetune.py, without its tokenizer.
"""
import json
import os
import sys
import time

os.environ['TF_KERAS'] = '0'

import numpy as np
from bert4keras.models import build_transformer_model
from bert4keras.snippets import AutoRegressiveDecoder


class AutoTitle(AutoRegressiveDecoder):
    """The source goes through the encoder once; every step computes the title so far again."""

    @AutoRegressiveDecoder.wraps(default_rtype='probas')
    def predict(self, inputs, output_ids, states):
        return self.last_token(self.t5.decoder).predict([inputs[0], output_ids])

    def generate(self, ids, topk):
        encoded = self.t5.encoder.predict(np.array([ids]))[0]
        return [int(i) for i in self.beam_search([encoded], topk=topk)][1:]


def main(folder):
    with open(os.path.join(folder, 'titles.json')) as f:
        titles = json.load(f)
    files = [os.path.join(folder, name) for name in ('bert_config.json', 'bert_model.ckpt')]
    AutoTitle.t5 = build_transformer_model(*files, model=titles['model'], return_keras_model=False)
    steps = titles['steps']

    def decoder(length):
        # minlen counts the start token: no title ends before its last step.
        return AutoTitle(start_id=titles['startId'], end_id=titles['endId'], maxlen=length, minlen=length + 1)

    decoder(1).generate(titles['sources'][0], 1)  # TensorFlow builds its functions here
    results = []
    for setting in titles['settings']:
        sources = titles['sources'][:setting['texts']]
        writer = decoder(steps)
        writer.generate(sources[0][:8], setting['beams'])
        started = time.time()
        ids = [writer.generate(source, setting['beams']) for source in sources]
        results.append({'ids': ids, 'seconds': time.time() - started})
    with open(os.path.join(folder, 'reference.json'), 'w') as f:
        json.dump(results, f)


if __name__ == '__main__':
    main(sys.argv[1])
