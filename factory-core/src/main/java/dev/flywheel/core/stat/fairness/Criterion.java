package dev.flywheel.core.stat.fairness;

import java.util.List;

/** Which rates must be alike in all groups. */
public enum Criterion {
    /** Groups are selected equally often, whatever their labels. */
    DEMOGRAPHIC_PARITY("demographic parity", Rate.SELECTION),
    /** Those who deserve it are selected equally often (Hardt, Price and Srebro, NeurIPS 2016). */
    EQUAL_OPPORTUNITY("equal opportunity", Rate.TRUE_POSITIVE),
    /** Those who do not deserve it are selected equally often (Corbett-Davies et al., KDD 2017). */
    PREDICTIVE_EQUALITY("predictive equality", Rate.FALSE_POSITIVE),
    /** Both at once; the worse of them counts (Hardt, Price and Srebro, NeurIPS 2016). */
    EQUALIZED_ODDS("equalized odds", Rate.TRUE_POSITIVE, Rate.FALSE_POSITIVE),
    /** Groups are decided rightly equally often. */
    EQUAL_ACCURACY("equal accuracy", Rate.ACCURACY),
    /** Being selected says as much in each group (Chouldechova, Big Data 5, 2017). */
    PREDICTIVE_PARITY("predictive parity", Rate.PRECISION);

    private final String label;
    private final Rate first;
    private final Rate last;

    Criterion(String label, Rate rate) {
        this(label, rate, rate);
    }

    Criterion(String label, Rate first, Rate last) {
        this.label = label;
        this.first = first;
        this.last = last;
    }

    /** {@return the name for a human reader, such as {@code equal opportunity}} */
    public String label() {
        return label;
    }

    /** {@return the rates that must be alike} */
    public List<Rate> rates() {
        return first == last ? List.of(first) : List.of(first, last);
    }
}
