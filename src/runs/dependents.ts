/** Students wait for their teachers: they start when all have succeeded and fail with the first that has not. */
import type { Store } from '../store/store.ts';
import { findRun, moveRun, waitingStudents } from '../store/runs.ts';
import type { Delivery } from './delivery.ts';

/** Call whenever a run has ended. Calling it again does no harm: every move is guarded. */
export async function wakeStudents(store: Store, delivery: Delivery, teacherRunId: string): Promise<void> {
  for (const { runId } of await waitingStudents(store, teacherRunId)) await wakeStudent(store, delivery, runId);
}

/** Looks at the teachers of one waiting run. */
export async function wakeStudent(store: Store, delivery: Delivery, runId: string): Promise<void> {
  const student = await findRun(store, runId);
  if (student === null || student.status !== 'waiting') return;
  // A teacher named by checkpoint is there already, whatever became of its run.
  const awaited = new Set(student.teachers.filter(({ checkpointId }) => checkpointId === null).map(({ teacherRunId }) => teacherRunId));
  const teachers = await Promise.all([...awaited].map((id) => findRun(store, id)));
  const lost = teachers.find((teacher) => teacher === null || teacher.status === 'failed' || teacher.status === 'cancelled');
  if (lost !== undefined) {
    const detail = lost === null ? 'a teacher was deleted' : `its teacher ${lost.runId} ${lost.status === 'failed' ? 'failed' : 'was cancelled'}`;
    await moveRun(store, { runId, from: ['waiting'], to: 'failed', reason: detail, failure: { code: 'TEACHER_FAILED', detail } });
    await wakeStudents(store, delivery, runId);
    return;
  }
  if (teachers.some((teacher) => teacher?.status !== 'succeeded')) return;
  await moveRun(store, {
    runId,
    from: ['waiting'],
    to: 'queued',
    reason: 'all teachers have succeeded',
    within: (transaction) => delivery.enqueue(transaction, student),
  });
}
