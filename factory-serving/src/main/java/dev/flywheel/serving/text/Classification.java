package dev.flywheel.serving.text;

import java.util.Map;

/**
 * What a classifier says of a text. Immutable.
 *
 * @param label the most probable class
 * @param probability its probability, 0 to 1
 * @param probabilities those of all classes, in the order of the labels; they sum to 1
 */
public record Classification(String label, double probability, Map<String, Double> probabilities) {}
