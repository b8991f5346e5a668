// Builds the application in a folder with one bundler: node build-app.mjs BUNDLER FOLDER. Bundlers are found from BUNDLERS (a folder).
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [bundler, app] = process.argv.slice(2);
const options = JSON.parse(process.env.PLUGIN_OPTIONS ?? '{}');
const require = createRequire(join(process.env.BUNDLERS ?? import.meta.dirname, '_.js'));
const load = (name) => import(pathToFileURL(require.resolve(name)).href);
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

try {
  await builders[bundler]();
  process.exit(0);
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
