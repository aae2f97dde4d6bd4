/** placeholder for seam: replaced by the graph room */
export interface GraphBuilder {
  readonly name: string;
}
