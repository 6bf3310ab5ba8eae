package dev.flywheel.pipeline;

/**
 * How far a run has come.
 *
 * @param pipeline the name of the pipeline
 * @param stage what is being done, in words
 * @param done the share of the whole run that is done, from 0 to 1
 */
public record Progress(String pipeline, String stage, double done) {}
