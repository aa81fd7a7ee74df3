// A repository with comments, as GitHub keeps them: what the operations do, and GitHub's recorded rules that the description does not hold.

const bot = { login: 'github-actions[bot]', id: 41898282, type: 'Bot' };
/** https://docs.github.com/rest/issues/comments and what GitHub answers beyond it. */
const longest = 65536;

export class Repository {
  constructor(api, { owner = 'owner', name = 'name', number = 5 } = {}) {
    Object.assign(this, { api, owner, name, number, comments: [], next: 1001 });
    /** By token: who it is, and whether it reads or writes. An app's installation cannot ask who it is. */
    this.tokens = { 'ghs_workflow-token-0123456789': { user: bot, app: true, can: 'write' } };
  }

  add({ user = {}, body }) {
    const id = this.next++;
    const now = new Date(Date.UTC(2026, 0, 1) + id * 1000).toISOString().replace('.000', '');
    const page = `https://github.example/${this.owner}/${this.name}`;
    const comment = {
      id,
      node_id: `IC_${id}`,
      url: `${this.api}/repos/${this.owner}/${this.name}/issues/comments/${id}`,
      html_url: `${page}/pull/${this.number}#issuecomment-${id}`,
      issue_url: `${this.api}/repos/${this.owner}/${this.name}/issues/${this.number}`,
      user: user === null ? null : account({ ...bot, ...user }),
      created_at: now,
      updated_at: now,
      body,
      author_association: 'NONE',
      performed_via_github_app: null,
    };
    this.comments.push(comment);
    return comment;
  }

  /** Status, headers and body of the answer to an operation; `null` if this stand-in does not know it. */
  perform(id, values, query, body, who) {
    const operation = operations[id];
    if (!operation) return null;
    if (!who) return failed(401, 'Bad credentials');
    if (values.owner !== undefined && (values.owner !== this.owner || values.repo !== this.name || who.can === 'nothing')) return missing();
    if (values.issue_number !== undefined && Number(values.issue_number) !== this.number) return missing();
    return operation(this, values, query, body, who);
  }
}

const operations = {
  'issues/list-comments': (repository, _, query) => {
    const perPage = Math.min(Number(query.get('per_page') ?? 30), 100);
    const page = Number(query.get('page') ?? 1);
    const last = Math.max(Math.ceil(repository.comments.length / perPage), 1);
    // GitHub's links name the repository by its number.
    const link = (to, rel) => `<${repository.api}/repositories/1296269/issues/${repository.number}/comments?per_page=${perPage}&page=${to}>; rel="${rel}"`;
    const links = [page > 1 && link(page - 1, 'prev'), page < last && link(page + 1, 'next'), page < last && link(last, 'last'), page > 1 && link(1, 'first')];
    const headers = links.some(Boolean) ? { Link: links.filter(Boolean).join(', ') } : {};
    return { status: 200, headers, body: repository.comments.slice((page - 1) * perPage, page * perPage) };
  },

  'issues/create-comment': (repository, _, __, { body }, who) => {
    const refused = unwritable(who, 'create-an-issue-comment') ?? unacceptable(body);
    if (refused) return refused;
    const comment = repository.add({ user: who.user, body });
    return { status: 201, headers: { Location: comment.url }, body: comment };
  },

  // Whoever may write may change and delete the comments of others too: whose they are is for the caller to know.
  'issues/update-comment': (repository, { comment_id: id }, _, { body }, who) => {
    const refused = unwritable(who, 'update-an-issue-comment') ?? unacceptable(body);
    if (refused) return refused;
    const comment = repository.comments.find((comment) => comment.id === Number(id));
    if (!comment) return missing();
    comment.body = body;
    comment.updated_at = '2026-02-01T00:00:00Z';
    return { status: 200, body: comment };
  },

  'issues/delete-comment': (repository, { comment_id: id }, _, __, who) => {
    const refused = unwritable(who, 'delete-an-issue-comment');
    if (refused) return refused;
    const at = repository.comments.findIndex((comment) => comment.id === Number(id));
    if (at < 0) return missing();
    repository.comments.splice(at, 1);
    return { status: 204 };
  },

  'users/get-authenticated': (_, __, ___, ____, who) =>
    who.app ? failed(403, 'Resource not accessible by integration', 'users/users#get-the-authenticated-user') : { status: 200, body: person(who.user) },
};

function unwritable(who, anchor) {
  if (who.can === 'write') return null;
  const kind = who.app ? 'integration' : 'personal access token';
  const refused = failed(403, `Resource not accessible by ${kind}`, `issues/comments#${anchor}`);
  return { ...refused, headers: { 'x-accepted-github-permissions': 'issues=write; pull_requests=write' } };
}

function unacceptable(body) {
  const why = body.trim() === '' ? "body can't be blank" : [...body].length > longest ? `body is too long (maximum is ${longest} characters)` : null;
  const errors = [{ resource: 'IssueComment', code: 'unprocessable', field: 'data', message: why }];
  return why && { status: 422, body: { message: 'Validation Failed', errors, documentation_url: 'https://docs.github.com/rest' } };
}

function missing() {
  return failed(404, 'Not Found', 'issues/comments');
}

function failed(status, message, page = '') {
  return { status, body: { message, documentation_url: `https://docs.github.com/rest/${page}`, status: String(status) } };
}

function account({ login, id, type }) {
  const url = `https://api.github.example/users/${encodeURIComponent(login)}`;
  const pages = Object.fromEntries(
    ['followers', 'following', 'gists', 'starred', 'subscriptions', 'organizations', 'repos', 'events', 'received_events'].map((name) => [
      `${name}_url`,
      `${url}/${name}`,
    ]),
  );
  const shown = { login, id, type, node_id: `U_${id}`, avatar_url: `${url}/a.png`, gravatar_id: '', url, html_url: url };
  return { ...shown, ...pages, site_admin: false };
}

function person(user) {
  const times = { created_at: '2020-01-01T00:00:00Z', updated_at: '2026-01-01T00:00:00Z' };
  const counts = { public_repos: 0, public_gists: 0, followers: 0, following: 0 };
  const unset = { name: null, company: null, blog: null, location: null, email: null, hireable: null, bio: null };
  return { ...account(user), ...unset, ...counts, ...times, user_view_type: 'public' };
}
