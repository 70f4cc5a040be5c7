import { hostname } from "node:os";
import { z } from "zod";
import { hostKey, temporaryRepository, temporaryTagPrefix } from "../image/temporary-reference.ts";
import { removeContainer } from "./container.ts";
import type { Engine } from "./engine.ts";
import { calling } from "./errors.ts";
import { removeImage } from "./images.ts";
import { formatOwner, isDead, labels, type Owner, parseOwner, thisOwner } from "./owner.ts";
import { removing } from "./removal.ts";

/** What was removed, by id, name or reference. */
export type Swept = { containers: string[]; networks: string[]; volumes: string[]; images: string[] };

const Labelled = z.looseObject({ Labels: z.record(z.string(), z.string()).nullish() });
const Container = Labelled.extend({ Id: z.string() });
const Network = Labelled.extend({ Id: z.string() });
const Volume = Labelled.extend({ Name: z.string() });
const Volumes = z.looseObject({ Volumes: z.array(Volume).nullish() });
const Image = z.looseObject({ RepoTags: z.array(z.string()).nullish() });

/** Everything of ours on the engine that `wanted` accepts by its labels, and temporary images that `wantedImage` accepts. */
async function find(
  engine: Engine,
  wanted: (labels: Record<string, string>) => boolean,
  wantedImage: (tag: string) => boolean,
): Promise<Swept> {
  const { docker } = engine;
  const filters = { label: [labels.owner] };
  const listing = <T>(what: string, call: () => Promise<T>): Promise<T> => calling(`listing ${what}`, undefined, call);
  const [containers, networks, volumes, images] = await Promise.all([
    listing("containers", () => docker.listContainers({ all: true, filters })),
    listing("networks", () => docker.listNetworks({ filters })),
    listing("volumes", () => docker.listVolumes({ filters })),
    listing("images", () => docker.listImages({ filters: { reference: [temporaryRepository] } })),
  ]);
  const matches = ({ Labels }: z.infer<typeof Labelled>): boolean => wanted(Labels ?? {});
  return {
    containers: z
      .array(Container)
      .parse(containers)
      .filter(matches)
      .map(({ Id }) => Id),
    networks: z
      .array(Network)
      .parse(networks)
      .filter(matches)
      .map(({ Id }) => Id),
    volumes: (Volumes.parse(volumes).Volumes ?? []).filter(matches).map(({ Name }) => Name),
    images: z
      .array(Image)
      .parse(images)
      .flatMap(({ RepoTags }) => RepoTags ?? [])
      .filter(
        (name) => name.startsWith(`${temporaryRepository}:`) && wantedImage(name.slice(temporaryRepository.length + 1)),
      ),
  };
}

/** The owner that a temporary tag names, `…-r1.HOSTKEY.PID.START`; undefined for one of another host. */
function ownerOfTag(tag: string, host: string): Owner | undefined {
  const [, key, pid, startTicks] = /\.([0-9a-f]{12})\.(\d+)\.(\d+)$/.exec(tag) ?? [];
  return key === hostKey(host) && pid && startTicks ? { host, pid: Number(pid), startTicks } : undefined;
}

/**
 * Removes what a crashed runner of this host left on the engine: containers, networks, volumes and temporary images whose
 * owner is no more. What belongs to another host or to a living process stays; of this process itself what `jobsAtWork` does not name,
 * when it is given: an engine that was away when a job ended has kept what it made. Throws what kept the first of them from going,
 * after all were tried.
 */
export async function sweep(
  engine: Engine,
  { jobsAtWork }: { jobsAtWork?(): readonly string[] } = {},
  host = hostname(),
): Promise<Swept> {
  const own = formatOwner(thisOwner());
  const isLeft = (owner: Owner | undefined, isOf: (jobId: string) => boolean): boolean => {
    if (owner === undefined) return false;
    if (formatOwner(owner) !== own) return isDead(owner, host);
    return jobsAtWork !== undefined && !jobsAtWork().some(isOf);
  };
  const found = await find(
    engine,
    (all) => isLeft(parseOwner(all[labels.owner] ?? ""), (jobId) => all[labels.job] === jobId),
    (tag) => isLeft(ownerOfTag(tag, host), (jobId) => isTagOf(jobId, tag)),
  );
  const { docker } = engine;
  // One that cannot go must not keep the others; together, as each may take its time to say so.
  const removeAll = async (
    names: string[],
    remove: (name: string) => Promise<unknown>,
  ): Promise<PromiseRejectedResult[]> => {
    const ends = await Promise.allSettled(names.map(remove));
    return ends.filter((end) => end.status === "rejected");
  };
  // Containers first: they hold the others.
  const failed = [
    ...(await removeAll(found.containers, (id) => removeContainer({ id, docker }))),
    ...(await removeAll(found.networks, (id) => removing("removing a network", () => docker.getNetwork(id).remove()))),
    ...(await removeAll(found.volumes, (name) => removing("removing a volume", () => docker.getVolume(name).remove()))),
    ...(await removeAll(found.images, (reference) => removeImage({ engine }, reference))),
  ];
  if (failed[0]) throw failed[0].reason;
  return found;
}

/** What a job still has on the engine. A finished job has nothing. */
export const leftovers = (engine: Engine, jobId: string): Promise<Swept> =>
  find(
    engine,
    (all) => all[labels.job] === jobId,
    (tag) => isTagOf(jobId, tag),
  );

const isTagOf = (jobId: string, tag: string): boolean => tag.startsWith(`${temporaryTagPrefix(jobId)}-r`);
