// The edge step as a Lambda@Edge function for the viewer-request event: the session cookie becomes
// `Authorization: Bearer`, in place of any that the client sent, and is taken off. It looks at form
// and size alone; what stands behind must verify the token.

const NAME = '__Host-usher_session';
const BYTES_MAX = 3584;
const TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/;

export const handler = async (event) => {
  const request = event.Records[0].cf.request;
  const headers = request.headers;
  // Fields that a CGI-like server would read as these two, though HTTP does not.
  for (const name of Object.keys(headers)) {
    if (/[-_]/.test(name) && ['authorization', 'cookie'].includes(name.replace(/[-_]/g, ''))) {
      delete headers[name];
    }
  }
  const pairs = (headers.cookie ?? []).flatMap(({ value }) => value.split(';'))
    .map((pair) => pair.trim()).filter((pair) => pair !== '');
  const isOurs = (pair) => pair.split('=')[0].trim() === NAME && pair.includes('=');
  const ours = pairs.filter(isOurs);
  if (ours.length === 0) {
    const many = (headers.authorization ?? []).length > 1;
    return many ? refuse('more than one Authorization header was sent') : request;
  }
  if (ours.length > 1) return refuse(`the cookie ${NAME} was sent more than once`);
  const value = ours[0].slice(ours[0].indexOf('=') + 1).trim();
  if (value === '') return refuse(`the cookie ${NAME} is empty: sign in again`);
  if (value.length > BYTES_MAX) return refuse(`the cookie ${NAME} is too long`);
  if (!TOKEN.test(value)) return refuse(`the cookie ${NAME} is no bearer token: sign in again`);
  headers.authorization = [{ key: 'Authorization', value: `Bearer ${value}` }];
  const others = pairs.filter((pair) => !isOurs(pair));
  if (others.length === 0) delete headers.cookie;
  else headers.cookie = [{ key: 'Cookie', value: others.join('; ') }];
  return request;
};

function refuse(description) {
  return {
    status: '400',
    statusDescription: 'Bad Request',
    headers: {
      'cache-control': [{ key: 'Cache-Control', value: 'no-store' }],
      'content-type': [{ key: 'Content-Type', value: 'application/json' }],
    },
    body: JSON.stringify({ error: 'invalid_request', error_description: description }),
  };
}
