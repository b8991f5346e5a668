/** Reports as self-contained HTML pages: `resonnx/report`. */
export { diffPage } from './diff-page.js';
export { inspectPage } from './inspect-page.js';
