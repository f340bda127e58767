"""An HTTP API for tests: python3 api.py PORTFILE LOGFILE; ends by itself after some minutes."""
import http.server, json, sys, threading, time, urllib.parse

class Api(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def put(self, status, body, kind='application/json', headers=()):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        if kind:
            self.send_header('Content-Type', kind)
        self.send_header('Content-Length', str(len(data)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        if self.command != 'HEAD':
            self.wfile.write(data)

    def pages(self, q):
        """Four pages of three; the next one in every way that there is."""
        p = int(q.get('page', '1'))
        last = p >= int(q.get('of', '4'))
        more = '/pages?page=%d' % (p + 1) + ('&bad=' + q['bad'] if 'bad' in q else '')
        links = [] if last else [('Link', '</first>; rel="first"'), ('Link', '<%s>; rel="next"' % more)]
        if p == int(q.get('bad', '0')):
            return self.put(500, {'message': 'broken'})
        self.put(200, {'items': [10 * p + i for i in range(3)], 'next': None if last else more,
                       'cursor': None if last else p + 1}, headers=links)

    def answer(self):
        url = urllib.parse.urlsplit(self.path)
        q = dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True))
        body = self.rfile.read(int(self.headers.get('Content-Length') or 0)).decode()
        with lock:
            log.write('%s %s %s\n' % (self.command, self.path, json.dumps(body)))
            log.flush()
        what = url.path.split('/')[1]
        if what == 'echo':
            self.put(200, {'method': self.command, 'path': self.path, 'body': body,
                           'headers': {k.lower(): v for k, v in self.headers.items()}})
        elif what == 'pages':
            self.pages(q)
        elif what == 'round':
            self.put(200, {'next': '/round?at=%d' % (1 - int(q.get('at', '0')))})
        elif what == 'to':
            self.put(int(q.get('status', '302')), b'', headers=[('Location', q['url'])] if 'url' in q else [])
        elif what == 'text':
            self.put(200, bytes.fromhex(q['hex']), q.get('type', 'text/plain'))
        elif what == 'status':
            self.put(int(q['is']), {'error': {'message': 'so it is', 'code': 'so'}})
        elif what == 'key':
            ok = self.headers.get('X-Key') == 'open-sesame'
            self.put(200 if ok else 401, {'error': 'no key like %s' % self.headers.get('X-Key')})
        elif what == 'big':
            self.put(200, b'{"id": 12345678901234567890123, "f": 1.10}')
        else:
            self.put(404, {'detail': 'nothing there'})

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = answer

    def log_message(self, *args):
        pass

lock = threading.Lock()
log = open(sys.argv[2], 'a')
server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Api)
server.daemon_threads = True
server.handle_error = lambda *args: None  # clients are killed
threading.Thread(target=server.serve_forever, daemon=True).start()
with open(sys.argv[1], 'w') as f:
    f.write('http://127.0.0.1:%d\n' % server.server_address[1])
time.sleep(400)
