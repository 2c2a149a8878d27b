// A task's whole life with the official Node client: node task_life.cjs <URL of the emulator>
"use strict";

const assert = require("node:assert/strict");
const twilio = require("twilio");

const [url] = process.argv.slice(2);
const client = twilio("AC" + "8".repeat(32), "a password");
client.taskrouter.baseUrl = url;

async function until(expected, read) {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const found = await read();
    try {
      return assert.deepEqual(found, expected);
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function refusal(promise) {
  try {
    await promise;
  } catch (error) {
    return [error.status, error.code];
  }
  assert.fail("it was not refused");
}

async function transfer(reservation, worker) {
  const path = `${url}/_emulator/reservations/${reservation}/transfers`;
  const reply = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ worker_sid: worker }),
  });
  assert.ok(reply.ok, await reply.text());
}

async function main() {
  const { sid } = await client.taskrouter.v1.workspaces.create({ friendlyName: "Office" });
  const workspace = client.taskrouter.v1.workspaces(sid);
  const activities = Object.fromEntries(
    (await workspace.activities.list()).map((each) => [each.friendlyName, each.sid]),
  );
  const queue = await workspace.taskQueues.create({ friendlyName: "Everybody" });
  const workflow = await workspace.workflows.create({
    friendlyName: "Calls",
    configuration: JSON.stringify({ task_routing: { default_filter: { queue: queue.sid } } }),
    taskReservationTimeout: 3,
  });
  const workers = {};
  for (const friendlyName of ["ann", "bob"]) {
    const activitySid = activities.Available;
    workers[friendlyName] = (await workspace.workers.create({ friendlyName, activitySid })).sid;
  }

  const task = await workspace.tasks.create({
    workflowSid: workflow.sid,
    attributes: JSON.stringify({ call_sid: "CA" + "1".repeat(32) }),
  });
  assert.equal(task.taskQueueSid, queue.sid);
  const { reservations } = workspace.tasks(task.sid);
  const offers = async () =>
    (await reservations.list()).map((each) => [each.workerName, each.reservationStatus]);
  const answer = async (name, status) => {
    const found = (await reservations.list()).filter((each) => each.workerName === name);
    const update = { reservationStatus: status };
    return (await reservations(found.at(-1).sid).update(update)).sid;
  };
  const status = async () => (await workspace.tasks(task.sid).fetch()).assignmentStatus;

  // Ann lets it time out and is offline then. Bob rejects, and is asked again once Ann is not there.
  await until([["ann", "timeout"], ["bob", "pending"]], offers);
  assert.equal((await workspace.workers(workers.ann).fetch()).activityName, "Offline");
  await answer("bob", "rejected");
  await workspace.workers(workers.ann).update({ activitySid: activities.Available });
  await until("ann", async () => (await offers()).at(-1)[0]);
  const first = await answer("ann", "accepted");
  assert.equal(await status(), "assigned");
  assert.deepEqual(await refusal(reservations(first).update({ reservationStatus: "accepted" })), [
    400, 20001,
  ]);

  await transfer(first, workers.bob);
  await answer("bob", "accepted");
  await answer("ann", "completed");
  assert.equal(await status(), "assigned");
  await answer("bob", "wrapping");
  assert.equal(await status(), "wrapping");
  await answer("bob", "completed");
  assert.equal(await status(), "completed");

  const other = await workspace.tasks.create({ workflowSid: workflow.sid });
  const ended = await workspace
    .tasks(other.sid)
    .update({ assignmentStatus: "canceled", reason: "the caller left" });
  assert.deepEqual([ended.assignmentStatus, ended.reason], ["canceled", "the caller left"]);
  assert.deepEqual(
    await refusal(workspace.tasks(other.sid).update({ ifMatch: "0", attributes: "{}" })),
    [412, 20412],
  );
  await workspace.tasks(other.sid).remove();
  assert.deepEqual(await refusal(workspace.tasks(other.sid).fetch()), [404, 20404]);
  await workspace.remove();
  assert.deepEqual(await refusal(workspace.fetch()), [404, 20404]);
  console.log("done");
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
