package dev.flywheel.pipeline.feature;

/**
 * One column of ids. The ids of all columns share one range, so that one table of weights or vectors serves them all:
 * this column's run from {@code first} to {@code first + cardinality - 1}.
 *
 * @param name the raw column, and the calendar part where there is one
 * @param first the column's smallest id
 * @param cardinality how many ids it has, those for missing and unknown values included
 */
public record IdColumn(String name, int first, int cardinality) {}
