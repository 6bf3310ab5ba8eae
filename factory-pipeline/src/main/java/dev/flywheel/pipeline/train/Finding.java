package dev.flywheel.pipeline.train;

/**
 * What a search has found. Immutable.
 *
 * @param trainer the trainer with the best settings
 * @param summary what was tried and what came of it, as a sentence without its end
 */
public record Finding(Trainer trainer, String summary) {}
