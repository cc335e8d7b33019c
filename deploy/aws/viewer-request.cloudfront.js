// The edge step as a CloudFront Function (runtime 2.0) for the viewer-request event: the session
// cookie becomes `Authorization: Bearer`, in place of any that the client sent, and is taken off.
// It looks at form and size alone; what stands behind must verify the token.

const NAME = '__Host-usher_session';
const BYTES_MAX = 3584;
const TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/;

function handler(event) {
  const request = event.request;
  const headers = request.headers;
  // Fields that a CGI-like server would read as these two, though HTTP does not.
  for (const name of Object.keys(headers)) {
    if (/[-_]/.test(name) && ['authorization', 'cookie'].includes(name.replace(/[-_]/g, ''))) {
      delete headers[name];
    }
  }
  const cookie = request.cookies[NAME];
  if (!cookie) {
    const authorization = headers.authorization;
    const many = authorization && authorization.multiValue && authorization.multiValue.length > 1;
    return many ? refuse('more than one Authorization header was sent') : request;
  }
  if (cookie.multiValue && cookie.multiValue.length > 1) {
    return refuse('the cookie ' + NAME + ' was sent more than once');
  }
  const value = cookie.value;
  if (value === '') return refuse('the cookie ' + NAME + ' is empty: sign in again');
  if (value.length > BYTES_MAX) return refuse('the cookie ' + NAME + ' is too long');
  if (!TOKEN.test(value)) {
    return refuse('the cookie ' + NAME + ' is no bearer token: sign in again');
  }
  headers.authorization = { value: 'Bearer ' + value };
  delete request.cookies[NAME];
  return request;
}

function refuse(description) {
  return {
    statusCode: 400,
    statusDescription: 'Bad Request',
    headers: {
      'cache-control': { value: 'no-store' },
      'content-type': { value: 'application/json' },
    },
    body: JSON.stringify({ error: 'invalid_request', error_description: description }),
  };
}
