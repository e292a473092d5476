// nginx before a server, as its manual says: connections to the server are kept,
// and WebSockets go through. It is the only proxy measured.
import {
  freePort,
  type Server,
  spawnPinned,
  stop,
  waitForPort,
} from "./processes.ts";

const READY_TIMEOUT = 10_000;

/** One process, that ends with the bench, and nothing outside of `dir`. */
function configOf(
  dir: string,
  port: number,
  upstream: number,
  isTls: boolean,
): string {
  const tls = `ssl_certificate ${dir}/cert.pem; ` +
    `ssl_certificate_key ${dir}/key.pem;`;
  const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `  ${name}_temp_path ${dir}/nginx-${name};`);
  return `daemon off;
master_process off;
pid ${dir}/nginx-${port}.pid;
error_log stderr error;
events { worker_connections 256; }
http {
  access_log off;
${paths.join("\n")}
  # No part of an answer goes through a file, however slow the client.
  proxy_max_temp_file_size 0;
  upstream app { server 127.0.0.1:${upstream}; keepalive 16; }
  map $http_upgrade $connection_upgrade { default upgrade; "" ""; }
  server {
    listen 127.0.0.1:${port}${isTls ? " ssl" : ""};
    ${isTls ? tls : ""}
    location / {
      proxy_pass http://app;
      proxy_http_version 1.1;
      proxy_set_header Host $host;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
    }
  }
}
`;
}

/**
 * Puts nginx before a server, on the core of the loads.
 *
 * @param dir Where the certificate lies, and the configuration is written to.
 * @returns The server as it is reached through nginx; to stop it ends both.
 */
export async function behindNginx(
  server: Server,
  dir: string,
  isTls: boolean,
): Promise<Server> {
  const port = freePort();
  const path = `${dir}/nginx-${port}.conf`;
  await Deno.writeTextFile(path, configOf(dir, port, server.port, isTls));
  const child = spawnPinned("load", ["nginx", "-p", dir, "-c", path]);
  child.stdin.close();
  try {
    await waitForPort(port, READY_TIMEOUT);
  } catch (error) {
    await stop(child);
    throw error;
  }
  return {
    ...server,
    port,
    async stop() {
      await stop(child);
      await server.stop();
    },
  };
}
