// An OPC UA server on node-opcua: an independent peer for our client.
//
// Usage: node node_opcua_server.js FOLDER_OF_NODE_MODULES PORT INTERVAL_MS
// NODE_OPCUA_OPTIONS in the environment is JSON: {"secure": true} offers every policy and knows the user operator with
// password "let me in"; {"maxSessions": 2} is a limit. A certificate put into trust/clients or trust/users is believed
// from then on, and the file gets the suffix .done.
// It takes results as a PLC does: when ResultCounter changes, it prints `took {...}` and echoes part id and counter into
// EchoPartId and EchoCounter, unless {"echo": false}.
// ns=1;s=PartId       String, "part-<count>", a new one each interval
// ns=1;s=Temperature  Double, 20 + 0.5 * (count modulo 10), moves with the part
// ns=1;s=Count        UInt32, the count itself, set after the others as a PLC does
// ns=1;s=Pressure     Double, the count; every third one with status BadSensorFailure
// ns=1;s=Levels       Double[3], the count, twice and three times the count
// ns=1;s=TriggerSession String, one life of the count
"use strict";

const { createRequire } = require("node:module");
const fs = require("node:fs");
const path = require("node:path");

const [modules, portText, intervalText] = process.argv.slice(2);
const opcua = createRequire(
  path.join(modules, "index.js"),
)("node-opcua");
const { OPCUAServer, OPCUACertificateManager, DataType, MessageSecurityMode, SecurityPolicy, StatusCodes } = opcua;

const options = JSON.parse(process.env.NODE_OPCUA_OPTIONS || "{}");

async function main() {
  const manager = (name) =>
    new OPCUACertificateManager({
      rootFolder: path.join(process.cwd(), name),
      automaticallyAcceptUnknownCertificate: false,
    });
  const clients = manager("certificates");
  const users = manager("users");
  const secure = options.secure
    ? {
        securityModes: [MessageSecurityMode.None, MessageSecurityMode.Sign, MessageSecurityMode.SignAndEncrypt],
        securityPolicies: [
          SecurityPolicy.None,
          SecurityPolicy.Basic256Sha256,
          SecurityPolicy.Aes128_Sha256_RsaOaep,
          SecurityPolicy.Aes256_Sha256_RsaPss,
        ],
        userManager: { isValidUser: (user, password) => user === "operator" && password === "let me in" },
        userCertificateManager: users,
      }
    : { securityModes: [MessageSecurityMode.None], securityPolicies: [SecurityPolicy.None] };
  const server = new OPCUAServer({
    host: "127.0.0.1",
    hostname: "127.0.0.1",
    port: Number(portText),
    ...secure,
    allowAnonymous: true,
    serverCapabilities: { maxSessions: options.maxSessions || 100 },
    serverCertificateManager: clients,
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

  const pressure = variable("Pressure", DataType.Double, 0.0);
  const levels = own.addVariable({
    componentOf: line,
    browseName: "Levels",
    nodeId: "s=Levels",
    dataType: DataType.Double,
    valueRank: 1,
    value: { dataType: DataType.Double, arrayType: opcua.VariantArrayType.Array, value: [0, 0, 0] },
  });
  variable("TriggerSession", DataType.String, new Date().toISOString());

  const resultPartId = variable("ResultPartId", DataType.String, "");
  const resultVerdict = variable("ResultVerdict", DataType.Int16, 0);
  const resultLate = variable("ResultLate", DataType.Boolean, false);
  const resultScore = variable("ResultScore", DataType.Float, 0);
  const resultCounter = variable("ResultCounter", DataType.UInt16, 0);
  const echoPartId = variable("EchoPartId", DataType.String, "");
  const echoCounter = variable("EchoCounter", DataType.UInt16, 0);
  const valueOf = (node) => node.readValue().value.value;
  resultCounter.on("value_changed", () => {
    const taken = { part: valueOf(resultPartId), verdict: valueOf(resultVerdict), late: valueOf(resultLate) };
    taken.counter = valueOf(resultCounter);
    taken.score = valueOf(resultScore);
    console.log(`took ${JSON.stringify(taken)}`);
    if (options.echo !== false) {
      echoPartId.setValueFromSource({ dataType: DataType.String, value: taken.part });
      echoCounter.setValueFromSource({ dataType: DataType.UInt16, value: taken.counter });
    }
  });

  setInterval(() => {
    const count = countVariable.readValue().value.value + 1;
    temperature.setValueFromSource({ dataType: DataType.Double, value: 20 + 0.5 * (count % 10) });
    const status = count % 3 ? StatusCodes.Good : StatusCodes.BadSensorFailure;
    pressure.setValueFromSource({ dataType: DataType.Double, value: count }, status);
    const array = { dataType: DataType.Double, arrayType: opcua.VariantArrayType.Array };
    levels.setValueFromSource({ ...array, value: new Float64Array([count, 2 * count, 3 * count]) });
    partId.setValueFromSource({ dataType: DataType.String, value: `part-${count}` });
    countVariable.setValueFromSource({ dataType: DataType.UInt32, value: count });
  }, Number(intervalText));

  const believe = async (store, name) => {
    const folder = path.join(process.cwd(), "trust", name);
    for (const file of fs.existsSync(folder) ? fs.readdirSync(folder) : []) {
      if (file.endsWith(".der")) {
        await store.trustCertificate(fs.readFileSync(path.join(folder, file)));
        fs.renameSync(path.join(folder, file), path.join(folder, `${file}.done`));
      }
    }
  };
  let believing = Promise.resolve();
  setInterval(() => {
    believing = believing.then(() => believe(clients, "clients")).then(() => believe(users, "users"));
  }, 100);

  process.on("SIGTERM", async () => {
    await server.shutdown(100);
    process.exit(0);
  });
  await server.start();
  console.log(`namespace ${own.namespaceUri}`);
  console.log("ready");
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
