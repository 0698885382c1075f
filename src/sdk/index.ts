/** The public planner and client: the only module that programs outside this repository import. */
export { gatewayAddress, meshAddress, subnetAt } from "./addressing.ts";
export { Client } from "./client.ts";
export { planMesh, type Mesh, type MeshNode } from "./mesh.ts";
