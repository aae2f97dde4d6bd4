/**
 * Where the nodes of a model's graphs run, for `bert4ort doctor` and `bert4ort verify`.
 */
import path from 'node:path';
import { Bert4ortError, messageOf } from '../core/errors.ts';
import type { Manifest } from '../core/manifest.ts';
import { countByProvider, type PlacedNode, placeNodes, strayNodes } from '../session/diagnosis/placement.ts';
import type { SessionOptions } from '../session/session.ts';
import type { GraphReport } from './doctor-report.ts';
import { formatList } from './terminal.ts';

/** Runs each graph of the model in `directory` once. A graph that can't be run is reported with the reason. */
export async function placeGraphs(
  directory: string,
  { graphs }: Manifest,
  options: SessionOptions,
): Promise<GraphReport[]> {
  const reports: GraphReport[] = [];
  for (const [graph, entry] of Object.entries(graphs)) {
    const bytes = [entry, ...entry.data].reduce((sum, file) => sum + file.size, 0);
    try {
      const nodes = await placeNodes(path.join(directory, entry.file), entry, options);
      const strays = strayNodes(nodes, options);
      reports.push({ graph, bytes, placements: countByProvider(nodes), strays, problem: null });
    } catch (error) {
      if (!(error instanceof Bert4ortError)) throw error;
      reports.push({ graph, bytes, placements: [], strays: [], problem: messageOf(error) });
    }
  }
  return reports;
}

/** The stray nodes of a graph, line by line; the network's own numbers first, since they cost the most. */
export function strayLines({ graph, strays }: GraphReport, device: string): string[] {
  return (['numbers', 'shapes and masks'] as const).flatMap(output => {
    const nodes = strays.filter(node => node.output === output);
    return formatList(`${graph}, ${output}, not on ${device}`, nodes.map(nodeLine));
  });
}

function nodeLine({ name, operator, provider }: PlacedNode): string {
  return `${operator} ${name} on ${provider.replace('ExecutionProvider', '')}`;
}
