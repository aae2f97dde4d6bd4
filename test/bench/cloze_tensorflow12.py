#! -*- coding: utf-8 -*-
"""The original's side of cloze.ts: the same texts on the graph of CCL_CMRC2017.

    python2.7 cloze_tensorflow12.py MODEL FOLDER      (Python 2.7, TensorFlow 1.2.1, NumPy 1.16.6)

MODEL holds model.config and tk/tk_highest.ckpt.*, FOLDER holds texts.json ({texts, alone}). Each line of standard input,
`alone` (the first texts, one by one) or `batched`, is a round; one JSON line answers it. Graph, batches and prediction are those of
https://github.com/bojone/CCL_CMRC2017/blob/f92773cba76069706348edaae53bdedb40273588/predict.py
without its optimizer; where words share a sum, the first of the text wins instead of the first of a Python 2 dict.
"""
from __future__ import print_function

import io
import json
import os
import pickle
import re
import sys
import time

import numpy as np
import tensorflow as tf

BATCH = 160


class Original(object):

    def __init__(self, folder):
        self.id2word, self.word2id, array = pickle.load(open(os.path.join(folder, 'model.config')))
        size = array.shape[1]
        padding = tf.Variable(tf.random_uniform([1, size], -0.05, 0.05))
        table = tf.concat([padding, tf.constant(array, dtype=tf.float32)], 0)
        self.ids = [tf.placeholder(tf.int32, [None, None]) for _ in range(2)]
        self.lengths = [tf.placeholder(tf.int32, [None]) for _ in range(2)]
        states = [tf.nn.embedding_lookup(table, ids) for ids in self.ids]
        for name in ('LSTM_1', 'LSTM_2'):
            states, last = self.bilstm(states, size, name)
        masks = [(1 - tf.cast(tf.sequence_mask(l), tf.float32)) * -1e12 for l in self.lengths]
        query = sum(tf.concat([forward.h, backward.h], 1) for forward, backward in last) / 2
        products = tf.matmul(tf.concat(states, 1), tf.expand_dims(query, 2))[:, :, 0]
        self.probas = tf.nn.softmax(tf.concat(masks, 1) + products)
        self.session = tf.Session()
        tf.train.Saver().restore(self.session, os.path.join(folder, 'tk', 'tk_highest.ckpt'))

    def bilstm(self, inputs, size, name):
        forward = tf.contrib.rnn.BasicLSTMCell(size)
        backward = tf.contrib.rnn.BasicLSTMCell(size)
        outputs, finals = [], []
        with tf.variable_scope(name) as scope:
            for x, lengths in zip(inputs, self.lengths):
                states, final = tf.nn.bidirectional_dynamic_rnn(
                    forward, backward, x, sequence_length=lengths, dtype=tf.float32)
                outputs.append(tf.concat(states, 2))
                finals.append(final)
                scope.reuse_variables()
        return outputs, finals

    def to_ids(self, text):
        words = re.split('[ \n]+', text)
        at = words.index('XXXXX')
        return [[self.word2id.get(w, 0) for w in side] or [0] for side in (words[:at], words[at + 1:])]

    def predict(self, texts):
        """[word, probability] of the likeliest word of each text; one batch."""
        batch = [self.to_ids(text) for text in texts]
        feed, padded = {}, []
        for side in range(2):
            lengths = [len(x[side]) for x in batch]
            ids = np.array([x[side] + [0] * (max(lengths) - len(x[side])) for x in batch])
            feed[self.ids[side]], feed[self.lengths[side]] = ids, lengths
            padded.append(ids)
        rows = self.session.run(self.probas, feed)
        return [self.best(ids, row) for ids, row in zip(np.hstack(padded), rows)]

    def best(self, ids, row):
        order, sums = [], {}
        for i, p in zip(ids, row):
            if i in sums:
                sums[i] += p
            else:
                order.append(i)
                sums[i] = p
        i = max(order, key=lambda i: sums[i])
        return [self.id2word.get(i, u' '), float(sums[i])]


def main(model, folder):
    given = json.load(io.open(os.path.join(folder, 'texts.json'), encoding='utf-8'))
    texts = given['texts']
    original = Original(model)
    rounds = {
        'alone': lambda: [original.predict([text])[0] for text in texts[:given['alone']]],
        'batched': lambda: [
            answer for at in range(0, len(texts), BATCH) for answer in original.predict(texts[at:at + BATCH])],
    }
    for line in iter(sys.stdin.readline, ''):
        start, used = time.time(), time.clock()
        answers = rounds[line.strip()]()
        took = {'seconds': time.time() - start, 'processor': time.clock() - used, 'answers': answers}
        print(json.dumps(took))
        sys.stdout.flush()


if __name__ == '__main__':
    main(*sys.argv[1:])
