/** The page that starts a run; without this script it is a plain form whose buttons load the page anew. */

import "../styles/run-new.css";
import { enhance } from "../runs/starting";

const form = document.querySelector<HTMLFormElement>("#run-form");
if (form) enhance(form);
