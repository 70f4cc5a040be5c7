import { createConnection } from "node:net";
import type { Duplex } from "node:stream";
import type Docker from "dockerode";

/** How the check's connections get into a container. */
export type Transport = {
  /** What the container's host config needs for it. */
  hostConfig(port: number | null): Docker.HostConfig;
  /** Opens a TCP stream to a port inside the container; rejects (or ends at once) while nothing listens there. */
  connect(container: Docker.Container, port: number): Promise<Duplex>;
};

/** The default: the port is published on a free port of 127.0.0.1. Needs an engine on this machine, with a bridge. */
export const published: Transport = {
  hostConfig: (port) => (port ? { PortBindings: { [`${port}/tcp`]: [{ HostIp: "127.0.0.1", HostPort: "" }] } } : {}),
  async connect(container, port) {
    const { NetworkSettings } = await container.inspect();
    const hostPort = NetworkSettings.Ports[`${port}/tcp`]?.[0]?.HostPort;
    if (!hostPort) throw new Error(`port ${port} is not published (the container may have ended)`);
    return new Promise((resolve, reject) => {
      const socket = createConnection({ host: "127.0.0.1", port: Number(hostPort) });
      socket.once("error", reject).once("connect", () => resolve(socket.off("error", reject)));
    });
  },
};
