import "../styles/notes.css";
