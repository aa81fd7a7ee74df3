// GitHub's own description of its API: which operation a request is, and whether request and answer are as described.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';

/** `directory` has node_modules; `name` is `api.github.com` or `ghes-3.19`. */
export class Description {
  constructor(directory, name) {
    const installed = resolve(directory, 'node_modules');
    const require = createRequire(join(installed, 'x.js'));
    const Ajv = require('ajv').default;
    this.api = JSON.parse(readFileSync(join(installed, '@octokit/openapi/generated', `${name}.json`)));
    // OpenAPI has words of its own beside JSON Schema's; `strict` would refuse them.
    this.ajv = new Ajv({ strict: false, allErrors: true, discriminator: false });
    require('ajv-formats').default(this.ajv);
    this.ajv.addSchema(this.api, 'api');
    this.paths = Object.entries(this.api.paths).map(([path, operations]) => ({
      pattern: new RegExp(`^${path.replace(/[.]/g, '\\$&').replace(/\{[^}]+\}/g, '([^/]+)')}$`),
      names: [...path.matchAll(/\{([^}]+)\}/g)].map((match) => match[1]),
      fixed: path.replace(/\{[^}]+\}/g, '').length,
      path,
      operations,
    }));
  }

  /** The operation that `method` and `path` are, with the values in the path; `null` if there is none. */
  operation(method, path) {
    const fitting = this.paths.filter(({ pattern, operations }) => pattern.test(path) && operations[method.toLowerCase()]);
    const [best] = fitting.sort((one, other) => other.fixed - one.fixed);
    if (!best) return null;
    const values = path.match(best.pattern).slice(1).map(decodeURIComponent);
    const pointer = `/paths/${escaped(best.path)}/${method.toLowerCase()}`;
    const described = best.operations[method.toLowerCase()];
    return { id: described.operationId, described, pointer, values: Object.fromEntries(best.names.map((name, at) => [name, values[at]])) };
  }

  /** What of a request is not as described. */
  faultsOfRequest({ described, pointer, values }, query, body) {
    const faults = [];
    const parameters = (described.parameters ?? []).map((parameter) => this.resolved(parameter));
    const given = { path: values, query: Object.fromEntries(query) };
    for (const { name, in: place, required, schema } of parameters) {
      const text = given[place]?.[name];
      if (text === undefined) {
        if (required) faults.push(`${place} parameter ${name} is missing`);
      } else {
        const value = schema.type === 'integer' && /^\d+$/.test(text) ? Number(text) : text;
        if (!this.ajv.validate({ ...schema, $id: undefined }, value)) faults.push(`${place} parameter ${name}: ${this.ajv.errorsText()}`);
      }
    }
    const known = new Set(parameters.filter(({ in: place }) => place === 'query').map(({ name }) => name));
    for (const name of query.keys()) if (!known.has(name)) faults.push(`query parameter ${name} is not described`);
    return [...faults, ...this.faultsOfBody(described, pointer, body)];
  }

  faultsOfBody(described, pointer, body) {
    if (!described.requestBody) return body === undefined ? [] : ['a body is not described'];
    if (body === undefined) return described.requestBody.required ? ['the body is missing'] : [];
    const { schema } = described.requestBody.content['application/json'];
    const faults = this.faultsOf(`${pointer}/requestBody/content/${escaped('application/json')}/schema`, body);
    const unknown = Object.keys(body).filter((name) => !(name in (this.resolved(schema).properties ?? {})));
    return [...faults, ...unknown.map((name) => `${name} of the body is not described`)];
  }

  /** What of an answer is not as described. */
  faultsOfAnswer({ described, pointer }, status, body) {
    const answer = described.responses[status];
    if (!answer) return [`status ${status} is not described`];
    const content = this.resolved(answer).content?.['application/json'];
    if (!content) return body === undefined ? [] : ['a body is not described'];
    const at = answer.$ref ? answer.$ref.slice(1) : `${pointer}/responses/${status}`;
    return this.faultsOf(`${at}/content/${escaped('application/json')}/schema`, body);
  }

  faultsOf(pointer, value) {
    const validate = this.ajv.getSchema(`api#${pointer}`);
    return validate(value) ? [] : [this.ajv.errorsText(validate.errors)];
  }

  resolved(node) {
    if (!node.$ref) return node;
    return node.$ref.slice(2).split('/').reduce((at, name) => at[name.replace(/~1/g, '/').replace(/~0/g, '~')], this.api);
  }
}

function escaped(name) {
  return encodeURIComponent(name.replace(/~/g, '~0').replace(/\//g, '~1')).replace(/%7E/gi, '~');
}
