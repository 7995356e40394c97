/** An encoded set of `mu` (n, d) without labels; `more` replaces parts. */
export const points = (ids, mu, more = {}) => ({
  count: ids.length, latentDim: mu.length / ids.length, ids: Int32Array.from(ids),
  byId: new Map(ids.map((id, i) => [id, i])), mu: Float32Array.from(mu), labels: null,
  projections: {}, pca: null, ...more,
});
