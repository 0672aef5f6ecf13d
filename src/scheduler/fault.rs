//! Mistakes that a scheduler may be given, to see that they are found.

use crate::named::named;

named! {
    /// A mistake of a scheduler.
    pub enum Fault {}
    EarlyEventCounted, "early-event-counted" => "What happens before the end of a collection is counted.";
    AverageNotBounded, "average-not-bounded" => "Collections count as less than five milliseconds anywhere.";
    FailureResetsCounts, "failure-resets-counts" => "A collection that fails resets what was counted.";
    DelayNotMinimum, "delay-not-minimum" => "What is asked for runs after the delay, even where one is due earlier.";
    TriggerDoesNotWake, "trigger-does-not-wake" => "Who waits for a collection does not make one due.";
    PauseNotApplied, "pause-not-applied" => "The interval stays at one second.";
    MutationsOffByOne, "mutations-off-by-one" => "It takes one mutation more than the threshold.";
    DeletionsOffByOne, "deletions-off-by-one" => "It takes one deletion more than the threshold.";
    StartupDelayIgnored, "startup-delay-ignored" => "None is due after the start.";
    RestartKeepsCounts, "restart-keeps-counts" => "A restart keeps what was counted.";
    NotRetried, "not-retried" => "A collection that failed is not tried again.";
    RetriedEarly, "retried-early" => "A collection that failed is tried again a second too early.";
    LastTimeAlone, "last-time-alone" => "The interval follows the last collection's time and not the average.";
    IdleCollects, "idle-collects" => "Where there is nothing to do, a collection runs all the same.";
    MutationsNotReset, "mutations-not-reset" => "A collection does not reset the mutations.";
    FirstFailureSurvived, "first-failure-survived" => "A first collection that fails crashes no daemon.";
}
