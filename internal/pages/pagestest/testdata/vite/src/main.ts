import logo from "./logo.svg?no-inline";
import "./style.css";

document.querySelector("h1")!.style.backgroundImage = `url(${logo})`;
import("./messages").then(({ show }) => show(document.body));
