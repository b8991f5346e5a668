// Builds the application in a folder, or serves it with --dev: node build-app.mjs BUNDLER FOLDER [--dev]. Bundlers that are not
// dependencies of the tests are found from the folder RESONNX_BUNDLERS.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [bundler, app, dev] = process.argv.slice(2);
const options = JSON.parse(process.env.PLUGIN_OPTIONS ?? '{}');
const folders = [import.meta.dirname, process.env.RESONNX_BUNDLERS].filter((folder) => folder !== undefined);
const ort = join(import.meta.dirname, '../../node_modules/onnxruntime-web/dist');

/** Imports a bundler from where it is installed. */
async function load(name) {
  for (const folder of folders) {
    try {
      return await import(pathToFileURL(createRequire(join(folder, '_.js')).resolve(name)).href);
    } catch (error) {
      if (error.code !== 'MODULE_NOT_FOUND') throw error;
    }
  }
  throw new Error(`${name} is not installed`);
}

const plugin = async () => (await import(`${app}/node_modules/resonnx/dist/src/plugin/${bundler}.js`)).resonnx(options);
const entry = join(app, 'src/main.js');
const out = join(app, 'dist');

/** Runs a compiler of webpack or Rspack. */
const compile = (compiler) =>
  new Promise((resolve, reject) =>
    compiler.run((error, stats) => {
      if (error) reject(error);
      else if (stats.hasErrors()) reject(new Error(stats.toString({ all: false, errors: true, moduleTrace: true })));
      else compiler.close(() => resolve());
    }),
  );

const webpackLike = async () => ({
  mode: 'production',
  context: app,
  entry,
  output: { path: out, filename: 'main.js', publicPath: '/' },
  plugins: [await plugin()],
});

const builders = {
  async vite() {
    const { build } = await load('vite');
    await build({
      root: app,
      logLevel: 'silent',
      plugins: [await plugin()],
      build: { rollupOptions: { input: join(app, 'index.html') } },
    });
  },
  async rollup() {
    const { rollup } = await load('rollup');
    const bundle = await rollup({ input: entry, plugins: [await plugin()] });
    await bundle.write({ dir: out, format: 'es' });
  },
  async rolldown() {
    const { rolldown } = await load('rolldown');
    const bundle = await rolldown({ input: entry, plugins: [await plugin()] });
    await bundle.write({ dir: out, format: 'es' });
  },
  async webpack() {
    const { default: webpack } = await load('webpack');
    await compile(webpack(await webpackLike()));
  },
  async rspack() {
    const { rspack } = await load('@rspack/core');
    await compile(rspack(await webpackLike()));
  },
  async rsbuild() {
    const { createRsbuild } = await load('@rsbuild/core');
    const rsbuildConfig = {
      logLevel: 'error',
      source: { entry: { main: entry } },
      html: { template: join(app, 'index.html'), inject: false },
      output: { distPath: { root: out, js: '' }, filename: { js: 'main.js' } },
      plugins: [await plugin()],
    };
    const rsbuild = await createRsbuild({ cwd: app, config: rsbuildConfig });
    await (await rsbuild.build()).close();
  },
  async esbuild() {
    const { build } = await load('esbuild');
    const common = { bundle: true, format: 'esm', outdir: out, logLevel: 'silent', absWorkingDir: app };
    await build({ ...common, entryPoints: [entry], plugins: [await plugin()] });
  },
};

/** Serves what a compiler makes; the page and onnxruntime-web are beside it. */
async function serve(compiler, Server) {
  const files = [
    { directory: app, watch: false },
    { directory: ort, publicPath: '/ort', watch: false },
  ];
  const server = new Server(
    { port: 0, host: '127.0.0.1', static: files, hot: false, client: { overlay: false } },
    compiler,
  );
  await server.start();
  return server.server.address().port;
}

const servers = {
  async vite() {
    const { createServer } = await load('vite');
    const { readFileSync } = await import('node:fs');
    const mount = {
      name: 'ort',
      configureServer: ({ middlewares }) => {
        middlewares.use('/ort', (request, response) => {
          const name = request.url.replace(/\?.*$/, '');
          response.setHeader('content-type', name.endsWith('.wasm') ? 'application/wasm' : 'text/javascript');
          response.end(readFileSync(join(ort, name)));
        });
      },
    };
    const server = await createServer({
      root: app,
      logLevel: 'error',
      server: { port: 0, host: '127.0.0.1', fs: { strict: false } },
      plugins: [mount, await plugin()],
    });
    await server.listen();
    return server.httpServer.address().port;
  },
  async webpack() {
    const { default: webpack } = await load('webpack');
    const { default: Server } = await load('webpack-dev-server');
    return serve(webpack({ ...(await webpackLike()), mode: 'development' }), Server);
  },
  async rspack() {
    const { rspack } = await load('@rspack/core');
    const { RspackDevServer } = await load('@rspack/dev-server');
    return serve(rspack({ ...(await webpackLike()), mode: 'development' }), RspackDevServer);
  },
};

try {
  if (dev === '--dev') {
    console.log(`http://127.0.0.1:${await servers[bundler]()}/`);
  } else {
    await builders[bundler]();
    process.exit(0);
  }
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
