// Package store keeps what must outlive a function: which execution holds a connection, what it waits for, and how it ended. One
// DynamoDB item for each connection; every method may run twice.
//
// An execution that was stopped releases nothing, so the next one takes its connection over; then the first may be redriven. The fence
// decides between the two. Each write that needs the connection sets it, and:
//
//   - a claim of another's connection demands the holder and the fence that were read before Step Functions said that the holder has ended;
//   - an execution that goes on after a redrive, or rolls back, raises the fence before it changes anything (Keep);
//   - a write of a turn before that of the fence is refused, so a function that still runs after its attempt was given up changes nothing;
//   - a plan is refused a claim when another execution has claimed or ended the connection since (Claim).
//
// So of two executions one writes first, and the other ends at once with a connection.Conflict.
//
// The item's attributes, all strings but expires:
//
//	id                  connection id (partition key)
//	vendor              the part of the id before the slash
//	holder              execution that holds the connection; absent when it is free
//	fence               turn in which the connection was last claimed, waited for, kept or ended: when its state was entered, then how
//	                    often the execution was redriven and the state was tried before. It never falls
//	cancelledHolder     execution that was told to give up; of no meaning to any other
//	status              onboarded, failed or offboarded: how the last execution ended
//	finishedBy          that execution, and finishedAt, when: a plan that is older is overtaken
//	failure             why and where it failed: Failure as JSON; absent when it did not
//	ledger              connection.Ledger as JSON: what was wanted and made, and what stood there before; kept when it is offboarded
//	linked              "yes" from the onboarding to the offboarding (partition key of the sparse index "linked")
//	unlinked            "yes" from the offboarding to the next onboarding: the ledger is history
//	expects             connection.Expectation as JSON: the part of the ledger that the index carries
//	drift               connection.Drift as JSON; absent when the drift check has not found or looked at anything yet
//	ticket              key of the ticket that the last execution which took the connection came from; absent when it was the
//	                    operators'. Every write of holder writes it
//	updatedAt           time of the last change
//	endpointId          endpoint of the connection
//	lastSeen            its last state that we have seen
//	waitGate            gate that is waited at (partition key of the sparse index "waiting", which is read whole)
//	waitSince           when the wait began (sort key of the index)
//	waitExecution       execution that waits
//	waitEndpoint        endpoint waited for (approval)
//	waitService         service waited for (allowlist)
//	waitServiceRegion   its Region
//	waitAsked           when the vendor was asked: its hours count from here
//	waitHours           the hours it says it takes, in decimal, and waitCalendar, the calendar they are counted by
//	waitTo              whom the text went to, and waitSubject, its subject
//	waitHeartbeat       the seconds after which Step Functions ends the wait without a heartbeat, in decimal
//	waitBeat            when the wait was seen to go on for which the last heartbeat was sent
//	waitRegistration    tells two registrations apart; a digest of the token
//	waitToken           the task token. Only Token reads it, and the index must not carry it
//	noticeAllowlist     execution whose message for this gate was sent, and noticeApproval likewise
//	noticeAllowlistBy   the call that claimed it, and noticeApprovalBy likewise
//	noticeRemoval       offboarding whose message for the vendor was sent, and noticeRemovalBy, the call that claimed it
//	expires             second of the epoch, a number: when DynamoDB may delete the item of an execution's notices, which has the id
//	                    notice/connection/execution. Nothing depends on when it does
//	orphanDigest        orphan whose message was sent, and orphanBy, the call that claimed it; on an item of its own, with the id
//	                    orphan/kind/connection and nothing else
//	reminderOf          gate and execution that the operators were last reminded of
//	reminderPercent     how far the vendor's hours had run then: 050, 080 or 100, so that they compare as strings
//	reminderBy          the call that claimed it
//
// Times have nine digits of fraction and end in Z, so that DynamoDB's comparison of strings is the comparison of times: RFC 3339
// as Go writes it drops zeros, and "…01.5Z" sorts before "…01Z".
package store
