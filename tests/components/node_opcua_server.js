// An OPC UA server on node-opcua: an independent peer for our client.
//
// Usage: node node_opcua_server.js FOLDER_OF_NODE_MODULES PORT INTERVAL_MS
// ns=1;s=PartId       String, "part-<count>", a new one each interval
// ns=1;s=Temperature  Double, 20 + 0.5 * (count modulo 10), moves with the part
// ns=1;s=Count        UInt32, the count itself, set after the others as a PLC does
// ns=1;s=TriggerSession String, one life of the count
"use strict";

const { createRequire } = require("node:module");
const path = require("node:path");

const [modules, portText, intervalText] = process.argv.slice(2);
const { OPCUAServer, OPCUACertificateManager, DataType, MessageSecurityMode, SecurityPolicy } = createRequire(
  path.join(modules, "index.js"),
)("node-opcua");

async function main() {
  const certificates = path.join(process.cwd(), "certificates");
  const server = new OPCUAServer({
    host: "127.0.0.1",
    hostname: "127.0.0.1",
    port: Number(portText),
    securityModes: [MessageSecurityMode.None],
    securityPolicies: [SecurityPolicy.None],
    allowAnonymous: true,
    serverCertificateManager: new OPCUACertificateManager({ rootFolder: certificates }),
  });
  await server.initialize();

  const space = server.engine.addressSpace;
  const own = space.getOwnNamespace();
  const line = own.addObject({ organizedBy: space.rootFolder.objects, browseName: "Line" });
  const variable = (browseName, dataType, value) =>
    own.addVariable({
      componentOf: line,
      browseName,
      nodeId: `s=${browseName}`,
      dataType,
      value: { dataType, value },
    });
  const partId = variable("PartId", DataType.String, "part-0");
  const temperature = variable("Temperature", DataType.Double, 20.0);
  const countVariable = variable("Count", DataType.UInt32, 0);

  variable("TriggerSession", DataType.String, new Date().toISOString());

  setInterval(() => {
    const count = countVariable.readValue().value.value + 1;
    temperature.setValueFromSource({ dataType: DataType.Double, value: 20 + 0.5 * (count % 10) });
    partId.setValueFromSource({ dataType: DataType.String, value: `part-${count}` });
    countVariable.setValueFromSource({ dataType: DataType.UInt32, value: count });
  }, Number(intervalText));

  process.on("SIGTERM", async () => {
    await server.shutdown(100);
    process.exit(0);
  });
  await server.start();
  console.log("ready");
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
