// GitHub as far as a comment needs it: every request and every answer of its own is held against GitHub's description of its API.
//
// node server.mjs DIRECTORY [DESCRIPTION [PREFIX [KEY CERTIFICATE]]]: DIRECTORY has node_modules, PREFIX is `/api/v3` on an Enterprise Server.
// The first line on stdout is { port }. Each line on stdin is { do, … } and gets one line back:
//   seed { comments: [{ user, body }] }   comments of others, or ours of an earlier run; user null is a deleted account
//   token { token, user, app, can }       who a token is; can: write, read or nothing
//   fault { on, skip, times, … }          what happens to requests of an operation, see `faulty`
//   comments                              what there is
//   log                                   { requests, faults }: what was asked for, and what should not have been
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { createInterface } from 'node:readline';

import { Description } from './description.mjs';
import { Repository } from './repository.mjs';

const [directory, name = 'api.github.com', prefix = '', key, certificate] = process.argv.slice(2);
const description = new Description(directory, name);
const log = { requests: [], faults: [] };
const plan = [];
let repository;

const server = key ? createSecureServer({ key: readFileSync(key), cert: readFileSync(certificate) }) : createServer();
server.on('request', (request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => answer(request, Buffer.concat(chunks).toString(), response));
});

async function answer(request, text, response) {
  const url = new URL(request.url, repository.api);
  const entry = { method: request.method, path: request.url, operation: null, token: token(request), host: request.headers.host };
  log.requests.push(entry);
  const fault = (why) => log.faults.push(`${request.method} ${request.url}: ${why}`);
  const performed = perform(request, url, text, entry, fault);
  const planned = plan.find((planned) => planned.on === entry.operation && planned.skip-- <= 0 && planned.times-- > 0);
  await faulty(planned, performed, (answer) => send(response, answer), () => request.socket.destroy());
}

/** What GitHub does with the request: a function that does it and returns the answer. */
function perform(request, url, text, entry, fault) {
  const who = repository.tokens[entry.token];
  if (!request.headers['user-agent']) fault('GitHub refuses requests without a user agent');
  if (request.headers['x-github-api-version'] !== '2022-11-28') fault('the version of the API is not named');
  if (request.method === 'POST' && url.pathname === graphql()) return () => viewer(text, who, entry, fault);
  if (!url.pathname.startsWith(`${prefix}/`)) return () => unexpected(fault, 'this is outside of the API');
  const operation = description.operation(request.method, named(url.pathname.slice(prefix.length)));
  if (!operation) return () => unexpected(fault, 'there is no such operation');
  entry.operation = operation.id;
  const body = text === '' ? undefined : JSON.parse(text);
  if (body !== undefined && request.headers['content-type'] !== 'application/json') fault('the body is not said to be JSON');
  description.faultsOfRequest(operation, url.searchParams, body).forEach(fault);
  return () => {
    const answer = repository.perform(operation.id, operation.values, url.searchParams, body, who);
    if (!answer) return unexpected(fault, `${operation.id} is not expected`);
    // What GitHub answers to every operation is described for some only.
    const everywhere = [401, 403, 404, 422].includes(answer.status) && !operation.described.responses[answer.status];
    if (!everywhere) description.faultsOfAnswer(operation, answer.status, answer.body).forEach((why) => fault(`own answer: ${why}`));
    return answer;
  };
}

/**
 * Plays a planned fault, or none. `answer`: answered with that, and not done. `then`: done, and answered with that. `lose`: done, and not
 * answered. `drop`: not done and not answered. `delay`: done at once, answered after so many milliseconds. `barrier`: done and answered when
 * as many requests are there. `move`: done by another, a redirect to that URL.
 */
async function faulty(planned, perform, send, hangUp) {
  if (!planned) return send(perform());
  if (planned.answer) return send(planned.answer);
  if (planned.move) return send({ status: planned.status ?? 307, headers: { Location: planned.move } });
  if (planned.drop) return hangUp();
  if (planned.barrier) await together(planned);
  const answer = perform();
  if (planned.lose) return hangUp();
  if (planned.delay) await new Promise((resolve) => setTimeout(resolve, planned.delay));
  return send(planned.then ?? answer);
}

function together(planned) {
  planned.waiting ??= [];
  return new Promise((resolve) => {
    planned.waiting.push(resolve);
    if (planned.waiting.length === planned.barrier) planned.waiting.splice(0).forEach((resolve) => resolve());
  });
}

/** GitHub's GraphQL has no OpenAPI; this one question is recorded. */
function viewer(text, who, entry, fault) {
  entry.operation = 'graphql/viewer';
  if (JSON.parse(text).query.replace(/\s+/g, ' ').trim() !== 'query { viewer { login } }') return unexpected(fault, 'another question');
  return who ? { status: 200, body: { data: { viewer: { login: who.user.login } } } } : { status: 401, body: { message: 'Bad credentials' } };
}

function unexpected(fault, why) {
  fault(why);
  return { status: 501, body: { message: why } };
}

function send(response, { status, headers = {}, body }) {
  const limits = { 'x-ratelimit-limit': '1000', 'x-ratelimit-remaining': '998', 'x-ratelimit-reset': '4102444800' };
  const type = body === undefined ? {} : { 'content-type': 'application/json; charset=utf-8' };
  response.writeHead(status, { ...limits, ...type, ...headers });
  response.end(typeof body === 'string' ? body : body === undefined ? undefined : JSON.stringify(body));
}

function token(request) {
  return (request.headers.authorization ?? '').replace(/^Bearer /, '');
}

/** A repository is found by its number too. */
function named(path) {
  return path.replace(/^\/repositories\/1296269\//, `/repos/${repository.owner}/${repository.name}/`);
}

function graphql() {
  return prefix ? '/api/graphql' : '/graphql';
}

const commands = {
  seed: ({ comments }) => comments.map((comment) => repository.add(comment).id),
  token: ({ token, ...who }) => (repository.tokens[token] = who) && true,
  fault: ({ skip = 0, times = 1, ...fault }) => plan.push({ skip, times, ...fault }),
  comments: () => repository.comments.map(({ id, user, body }) => ({ id, login: user?.login ?? null, body })),
  log: () => log,
};

server.listen(0, '127.0.0.1', () => {
  const { port } = server.address();
  repository = new Repository(`${key ? 'https' : 'http'}://localhost:${port}${prefix}`);
  console.log(JSON.stringify({ port }));
  createInterface({ input: process.stdin })
    .on('line', (line) => {
      const command = JSON.parse(line);
      console.log(JSON.stringify(commands[command.do](command)));
    })
    .on('close', () => process.exit());
});
