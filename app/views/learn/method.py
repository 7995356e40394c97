"""The method in six steps."""

import streamlit as st


def show() -> None:
    """Show the six steps of the method."""
    st.subheader("The method in six steps", anchor=False)
