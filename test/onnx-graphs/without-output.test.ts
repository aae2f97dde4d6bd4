/** A graph without its token logits: the same hidden states, and none of what only logits need. */
import assert from 'node:assert/strict';
import type { JsonObject } from '../../onnx-graphs/architecture.ts';
import { architectures } from '../../onnx-graphs/architectures/index.ts';
import { GraphBuilder } from '../../onnx-graphs/onnx/graph-builder.ts';
import { withoutOutput } from '../../onnx-graphs/onnx/without-output.ts';
import { openPlan, TINY } from './run-graph.ts';

const MODELS: readonly (readonly [model: string, keywords: JsonObject])[] = [
  ['bert', { with_mlm: true, with_nsp: true }],
  ['bert', { application: 'unilm', embedding_size: 8 }],
  ['nezha', { with_mlm: true, with_pool: true }],
  ['gpt', {}],
  ['gpt2', {}],
  ['gpt2_ml', {}],
];

describe('a graph without an output', () => {
  for (const [name, keywords] of MODELS) {
    it(`${name} ${JSON.stringify(keywords)}: gives the other outputs as before`, async () => {
      const architecture = architectures[name] ?? assert.fail();
      const g = new GraphBuilder('model');
      architecture.graphs.model(g, architecture.parseConfig(TINY, keywords));
      const plan = g.plan();
      const rest = withoutOutput(plan, 'logits', 'encoder');
      assert.deepEqual(
        rest.outputs.map(port => port.name),
        plan.outputs.map(port => port.name).filter(port => port !== 'logits'),
      );
      assert.deepEqual(rest.inputs, plan.inputs);
      assert.deepEqual(
        rest.weights.filter(weight => /^(MLM|LM)-/.test(weight.name)),
        [],
      );
      assert.equal(rest.nodes.filter(node => /(MLM|LM)-/.test(node.name)).length, 0, 'nodes that nobody reads');
      const [whole, part] = [await openPlan(plan), await openPlan(rest)];
      const ids = { shape: [2, 3], data: [4, 5, 6, 7, 8, 0] };
      const feeds = Object.fromEntries(
        plan.inputs.map(port => [
          port.name,
          port.name === 'token_type_ids' ? { ...ids, data: [0, 0, 1, 0, 0, 0] } : ids,
        ]),
      );
      const [expected, found] = [await whole.run(feeds), await part.run(feeds)];
      for (const { name: port } of rest.outputs) {
        const wanted = Array.from(expected[port]?.data ?? []);
        assert.ok(wanted.length > 0);
        Array.from(found[port]?.data ?? assert.fail()).forEach((value, i) => {
          assert.ok(Math.abs(value - (wanted[i] ?? 9)) < 1e-6, `${port} ${i}: ${value} and ${wanted[i]}`);
        });
      }
      await whole.release();
      await part.release();
    });
  }
});
