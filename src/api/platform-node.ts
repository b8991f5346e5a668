/** What optimizing and verifying need of their surroundings, in Node; `#platform` of package.json chooses. */
export { createInstalledRuntime } from '../numerics/ort-installed.js';
