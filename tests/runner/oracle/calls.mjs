// Makes calls of @actions/core and tells what each wrote.
//
// node calls.mjs DIRECTORY <CASES: DIRECTORY has node_modules. CASES is a JSON list of
// { calls: [[name, ...arguments]], environment: {…}, files: true | false }; the answer is a list of
// { returned: […], stdout, files: { OUTPUT, ENV, STATE, PATH, STEP_SUMMARY } }.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const wanted = JSON.parse(readFileSync(new URL('package.json', import.meta.url))).dependencies['@actions/core'];
const installed = resolve(process.argv[2], 'node_modules/@actions/core');
const { version, main } = JSON.parse(readFileSync(join(installed, 'package.json')));
if (version !== wanted) throw new Error(`@actions/core ${version} is installed, ${wanted} is wanted`);
const core = await import(pathToFileURL(join(installed, main)));

const names = ['OUTPUT', 'ENV', 'STATE', 'PATH', 'STEP_SUMMARY'];
const directory = mkdtempSync(join(tmpdir(), 'actions-core-'));
const file = (name) => join(directory, name);
const before = { ...process.env };
const print = process.stdout.write.bind(process.stdout);

async function answer({ calls, environment = {}, files }) {
  let stdout = '';
  process.env = { ...before, ...environment };
  for (const name of names) {
    writeFileSync(file(name), '');
    process.env[`GITHUB_${name}`] = files ? file(name) : '';
  }
  process.stdout.write = (text) => { stdout += text; return true; };
  const returned = [];
  try {
    for (const [name, ...rest] of calls) {
      if (name === 'summary') await core.summary.addRaw(rest[0]).write();
      else returned.push(core[name](...rest) ?? null);
    }
  } finally {
    process.stdout.write = print;
  }
  return { returned, stdout, files: Object.fromEntries(names.map((name) => [name, readFileSync(file(name), 'utf8')])) };
}

try {
  const answers = [];
  for (const given of JSON.parse(readFileSync(0, 'utf8'))) answers.push(await answer(given));
  print(JSON.stringify(answers));
} finally {
  rmSync(directory, { recursive: true });
}
