// A node-opcua client that prints each ResultReady event of an OPC 40100-1 server as one line of JSON.
//
// Usage: node node_opcua_events.js FOLDER_OF_NODE_MODULES ENDPOINT
"use strict";

const { createRequire } = require("node:module");
const path = require("node:path");

const [modules, endpoint] = process.argv.slice(2);
const opcua = createRequire(path.join(modules, "index.js"))("node-opcua");

const FIELDS = ["EventType", "SourceName", "Message", "IsPartial", "ResultState", "CreationTime"];
const STRUCTURES = ["ResultId", "PartId", "JobId", "ProductId", "InternalRecipeId", "ProcessingTimes"];

async function main() {
  const client = opcua.OPCUAClient.create({ endpointMustExist: false, connectionStrategy: { maxRetry: 0 } });
  await client.connect(endpoint);
  const session = await client.createSession();
  await session.extractNamespaceDataType();
  const names = (await session.readNamespaceArray()) || [];
  const index = names.indexOf("http://opcfoundation.org/UA/MachineVision");
  const select = [...FIELDS.slice(0, 3), ...[...FIELDS.slice(3), ...STRUCTURES, "ResultContent"].map((n) => `${index}:${n}`)];
  const subscription = await session.createSubscription2({
    requestedPublishingInterval: 50,
    requestedLifetimeCount: 1000,
    requestedMaxKeepAliveCount: 20,
    publishingEnabled: true,
  });
  const filter = opcua.constructEventFilter(select, [opcua.resolveNodeId(`ns=${index};i=1024`)]);
  const item = await subscription.monitor(
    { nodeId: opcua.resolveNodeId("Server"), attributeId: opcua.AttributeIds.EventNotifier },
    { samplingInterval: 0, queueSize: 100, discardOldest: true, filter },
    opcua.TimestampsToReturn.Both,
  );
  item.on("changed", (fields) => {
    const told = {};
    select.forEach((name, i) => {
      told[name.replace(/^\d+:/, "")] = fields[i].value;
    });
    console.log(`event ${JSON.stringify(told)}`);
  });
  console.log("subscribed");
  process.on("SIGTERM", async () => {
    await client.disconnect();
    process.exit(0);
  });
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
