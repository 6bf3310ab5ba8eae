package dev.flywheel.pipeline.evaluate;

import java.io.IOException;
import java.io.StringReader;
import java.util.ArrayList;
import java.util.List;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.Node;
import org.w3c.dom.NodeList;
import org.xml.sax.InputSource;
import org.xml.sax.SAXException;

/** A page of ours, parsed: it is well-formed XML on purpose, so that a parser can tell what it holds. */
final class PageSource {

    final String text;
    final Document document;

    PageSource(String html) {
        text = html;
        try {
            document = DocumentBuilderFactory.newInstance()
                    .newDocumentBuilder()
                    .parse(new InputSource(new StringReader(html)));
        } catch (SAXException | IOException | ParserConfigurationException e) {
            throw new AssertionError("the page is not well-formed: " + e.getMessage(), e);
        }
    }

    List<Element> all(String tag) {
        NodeList nodes = document.getElementsByTagName(tag);
        List<Element> elements = new ArrayList<>();
        for (int i = 0; i < nodes.getLength(); i++) {
            elements.add((Element) nodes.item(i));
        }
        return elements;
    }

    /** The first element of this tag with this class. */
    Element first(String tag, String style) {
        return all(tag).stream()
                .filter(element ->
                        List.of(element.getAttribute("class").split(" ")).contains(style))
                .findFirst()
                .orElseThrow(() -> new AssertionError("no <" + tag + " class=" + style + ">"));
    }

    List<String> texts(String tag) {
        return all(tag).stream().map(Node::getTextContent).toList();
    }

    /** The section under a heading, as text. */
    String section(String heading) {
        return all("section").stream()
                .filter(section -> section.getElementsByTagName("h2")
                        .item(0)
                        .getTextContent()
                        .equals(heading))
                .map(Node::getTextContent)
                .findFirst()
                .orElseThrow(() -> new AssertionError("no section " + heading + " in " + texts("h2")));
    }
}
