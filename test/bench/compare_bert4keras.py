#! -*- coding: utf-8 -*-
"""The reference's side of compare-bert4keras.ts: the same passages on bert4keras' own model and search.

    python compare_bert4keras.py FOLDER      (Python 3.7, TensorFlow 1.15, Keras 2.3.1, bert4keras 0.11.5)

FOLDER holds bert_model.ckpt.*, bert_config.json and questions.json; reference.json is written beside them. The reader is
https://github.com/bojone/bert4keras/blob/c1ae0dc/examples/task_reading_comprehension_by_seq2seq.py and its sibling by MLM,
without tokenizer and without the constraint to spans of the passages.
"""
import json
import os
import sys
import time

os.environ['TF_KERAS'] = '0'

import numpy as np
from bert4keras.layers import Lambda
from bert4keras.models import build_transformer_model, keras
from bert4keras.snippets import AutoRegressiveDecoder, sequence_padding


class Reader(AutoRegressiveDecoder):
    """Every step computes passage, question and answer of every passage and beam again."""

    def __init__(self, model, end_id, steps):
        super(Reader, self).__init__(start_id=None, end_id=end_id, maxlen=steps, minlen=steps)
        self.model = model
        self.seconds = []

    @AutoRegressiveDecoder.wraps(default_rtype='probas')
    def predict(self, inputs, output_ids, states):
        tokens, segments = [], []
        for source in inputs:
            joined = np.concatenate([source, output_ids], axis=1)
            kinds = np.zeros_like(joined)
            kinds[:, source.shape[1]:] = 1
            tokens.extend(joined)
            segments.extend(kinds)
        full = self.model.predict([sequence_padding(tokens), sequence_padding(segments)])
        probas = np.array([full[i, len(t) - 1] for i, t in enumerate(tokens)])
        probas = probas.reshape((len(inputs), len(output_ids), -1))
        return (probas**2).sum(0) / (probas.sum(0) + 1)

    def answer(self, passages, topk):
        """Ids, and the seconds of each step, search included."""
        started, marks = time.time(), []
        step = self.predict

        def timed(*args, **kwargs):
            marks.append(time.time())
            return step(*args, **kwargs)

        self.predict = timed
        ids = self.beam_search(passages, topk=topk)
        marks = marks[1:] + [time.time()]
        return {'ids': [int(i) for i in ids], 'seconds': list(np.diff([started] + marks))}


def read_spans(probas, passages, end_id):
    """Per passage, the likeliest token at each mask that continues an n-gram of the passage."""
    answers = []
    for ids, p in zip(passages, probas):
        found = ()
        for i in range(len(p)):
            following = {ids[n + i] for n in range(len(ids) - i) if tuple(ids[n:n + i]) == found}
            allowed = np.zeros_like(p[i])
            index = sorted(following | {end_id})
            allowed[index] = p[i, index]
            found += (int(allowed.argmax()),)
            if found[-1] == end_id:
                break
        answers.append(list(found))
    return answers


def main(folder):
    with open(os.path.join(folder, 'questions.json')) as f:
        questions = json.load(f)
    files = [os.path.join(folder, name) for name in ('bert_config.json', 'bert_model.ckpt')]
    end_id, result = questions['endId'], {}

    model = build_transformer_model(*files, application='unilm')
    model.predict([np.ones((1, 8)), np.zeros((1, 8))])  # TensorFlow builds its function here
    for topk in questions['beams']:
        reader = Reader(model, end_id, questions['steps'])
        result['beam%d' % topk] = reader.answer(questions['seq2seq'], topk)

    keras.backend.clear_session()
    model = build_transformer_model(*files, with_mlm=True)
    length = questions['masks']
    model = keras.models.Model(model.inputs, Lambda(lambda x: x[:, 1:length + 1])(model.output))
    model.predict([np.ones((1, 8)), np.zeros((1, 8))])
    rows, seconds = np.array(questions['mlm']), []
    for _ in range(2):
        started = time.time()
        probas = model.predict([rows, np.zeros_like(rows)])
        answers = read_spans(probas, questions['passages'], end_id)
        seconds.append(time.time() - started)
    result['mlm'] = {'answers': answers, 'seconds': seconds}
    with open(os.path.join(folder, 'reference.json'), 'w') as f:
        json.dump(result, f)


if __name__ == '__main__':
    main(sys.argv[1])
