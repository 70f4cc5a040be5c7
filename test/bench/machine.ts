import { cpus, loadavg, totalmem } from "node:os";
import type { Engine } from "#runner/docker/engine.ts";
import { sensorBinary } from "#runner/sensor/binary.ts";
import { table, verdictOf } from "./table.ts";

const maxSensorBytes = 150 << 10;

/** What the figures were measured on, and with. */
export type Machine = {
  engine: string;
  api: string;
  storage: string;
  kernel: string;
  cgroup: string;
  cores: number;
  processor: string;
  memoryBytes: number;
  node: string;
  /** Load averages over 1, 5 and 15 minutes at the start. */
  load: number[];
  sensorBytes: number;
};

export async function machineFacts({ facts }: Engine): Promise<Machine> {
  const cores = cpus();
  return {
    engine: facts.version,
    api: facts.apiVersion,
    storage: facts.storage,
    kernel: facts.kernel,
    cgroup: facts.cgroup,
    cores: cores.length,
    processor: cores[0]?.model.trim() ?? "unknown",
    memoryBytes: totalmem(),
    node: process.version,
    load: loadavg(),
    sensorBytes: (await sensorBinary(facts.architecture)).length,
  };
}

export function describeMachine(machine: Machine): string {
  const isSmall = machine.sensorBytes <= maxSensorBytes;
  return table(
    ["machine", ""],
    [
      ["engine", `${machine.engine}, API ${machine.api}, ${machine.storage}, cgroup ${machine.cgroup}`],
      ["kernel", machine.kernel],
      ["processor", `${machine.cores} x ${machine.processor}, ${(machine.memoryBytes / 2 ** 30).toFixed(0)} GiB`],
      ["node", machine.node],
      ["load at start", machine.load.map((average) => average.toFixed(2)).join(" ")],
      [
        "sensor",
        `${(machine.sensorBytes / 1024).toFixed(0)} KiB, goal ${maxSensorBytes / 1024} KiB: ${verdictOf([{ name: "size", isMet: isSmall }])}`,
      ],
    ],
  );
}
